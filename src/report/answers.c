/* SPDX-License-Identifier: Apache-2.0 */
#include "report/answers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int number;
    const char *key, *question;
    void (*draw)(od_answer *a, const od_report *r);
} questions[OD_NUM_ANSWERS] = {
#define X(number, key, question) {number, #key, question, od_answer_##key},
    OD_ANSWERS(X)
#undef X
};

const char *od_figure_text(char *out, const od_interval *v, int decimals)
{
    if (isnan(v->value))
        snprintf(out, OD_FIGURE_TEXT, "unknown");
    else if (isnan(v->low) || isnan(v->high))
        snprintf(out, OD_FIGURE_TEXT, "%.*f", decimals, v->value);
    else
        snprintf(out, OD_FIGURE_TEXT, "%.*f [%.*f, %.*f]", decimals, v->value, decimals, v->low, decimals, v->high);
    return out;
}

void od_answer_link_add(od_answer *a, const char *anchor, const char *label)
{
    if (a->num_links < OD_ANSWER_MAX_LINKS) a->links[a->num_links++] = (od_answer_link){anchor, label};
}

void od_answer_worsen(od_answer *a, od_verdict verdict)
{
    if (verdict > a->verdict && a->verdict != OD_VERDICT_OPEN) a->verdict = verdict;
}

int od_answers_draw(od_report *r)
{
    int failed = 0;
    for (int i = 0; i < OD_NUM_ANSWERS; i++) {
        od_answer *a = &r->answers[i];
        *a = (od_answer){.number = questions[i].number, .key = questions[i].key, .question = questions[i].question, .verdict = OD_VERDICT_OPEN};
        questions[i].draw(a, r);
        failed |= a->headline.failed || a->points.failed || a->missing.failed || a->commands.failed;
    }
    return failed ? -1 : 0;
}

void od_answer_deinit(od_answer *a)
{
    od_texts_deinit(&a->headline);
    od_texts_deinit(&a->points);
    od_texts_deinit(&a->missing);
    od_texts_deinit(&a->commands);
    memset(a, 0, sizeof *a);
}
