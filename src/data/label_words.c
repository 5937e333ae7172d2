/* SPDX-License-Identifier: Apache-2.0 */
#include "data/label_words.h"

#include <ctype.h>
#include <string.h>

enum {
    H = OD_DATA_FLIP_HORIZONTAL,
    V = OD_DATA_FLIP_VERTICAL,
    R = OD_DATA_FLIP_ROTATION,
    MAX_WORD = 32,
    MANY_CHARACTERS = 4 /* so many one-character classes are letters and digits */
};

static const struct { const char *word; int flips; } words[] = {
    {"left", H | R},    {"right", H | R},   {"lhs", H | R},     {"rhs", H | R},     {"leftward", H | R}, {"rightward", H | R},
    {"leftmost", H | R}, {"rightmost", H | R}, {"west", H | R}, {"east", H | R},    {"clockwise", H | V}, {"counterclockwise", H | V},
    {"anticlockwise", H | V}, {"cw", H | V}, {"ccw", H | V},    {"links", H | R},   {"rechts", H | R},
    {"up", V | R},      {"down", V | R},    {"upward", V | R},  {"downward", V | R}, {"top", V | R},     {"bottom", V | R},
    {"upper", V | R},   {"lower", V | R},   {"above", V | R},   {"below", V | R},   {"north", V | R},    {"south", V | R},
    {"upright", V | R}, {"horizontal", R},  {"vertical", R},    {"landscape", R},   {"portrait", R},
    {"text", H | V | R}, {"word", H | V | R}, {"words", H | V | R}, {"letter", H | V | R}, {"letters", H | V | R},
    {"digit", H | V | R}, {"digits", H | V | R}, {"number", H | V | R}, {"numbers", H | V | R}, {"numeral", H | V | R},
    {"character", H | V | R}, {"characters", H | V | R}, {"handwriting", H | V | R}, {"signature", H | V | R},
};

/* "LeftLung", "left_lung", "left-lung 2": the next word in lower case; 0 at the end. */
static int next_word(const char **p, char word[MAX_WORD])
{
    const char *s = *p;
    int n = 0;
    while (*s && !isalnum((unsigned char)*s)) s++;
    for (; isalnum((unsigned char)*s); s++) {
        int boundary = n && isupper((unsigned char)*s) && islower((unsigned char)s[-1]);
        boundary |= n && isdigit((unsigned char)*s) != isdigit((unsigned char)s[-1]);
        if (boundary) break;
        if (n < MAX_WORD - 1) word[n++] = (char)tolower((unsigned char)*s);
    }
    word[n] = 0;
    *p = s;
    return n > 0;
}

static int has_word(const char *name, const char *wanted)
{
    char word[MAX_WORD];
    while (next_word(&name, word))
        if (!strcmp(word, wanted)) return 1;
    return 0;
}

static int judge_words(const char *name)
{
    char word[MAX_WORD];
    int flips = 0;
    while (next_word(&name, word))
        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (!strcmp(word, words[i].word)) flips |= words[i].flips;
    return flips;
}

static int is_one_character(const char *name)
{
    return isalnum((unsigned char)name[0]) && !name[1];
}

void od_label_words_judge(const char *const *names, int count, int *sensitive)
{
    int l = 0, r = 0, characters = 0;
    for (int i = 0; i < count; i++) {
        l |= has_word(names[i], "l");
        r |= has_word(names[i], "r");
        characters += is_one_character(names[i]);
    }
    for (int i = 0; i < count; i++) {
        sensitive[i] = judge_words(names[i]);
        if (l && r && (has_word(names[i], "l") || has_word(names[i], "r"))) sensitive[i] |= H | R;
        if (characters >= MANY_CHARACTERS && is_one_character(names[i])) sensitive[i] |= H | V | R;
    }
}
