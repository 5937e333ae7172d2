/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/score_sort.h"

#include <string.h>

enum { RUN = 12 };

static void insertion_sort(od_scored *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        od_scored x = v[i];
        size_t j = i;
        for (; j > 0 && v[j - 1].score < x.score; j--) v[j] = v[j - 1];
        v[j] = x;
    }
}

/* Merges in[0, middle) and in[middle, n) into out; written without branches on the data. */
static void merge(const od_scored *in, size_t middle, size_t n, od_scored *out)
{
    size_t a = 0, b = middle;
    while (a < middle && b < n) {
        int second = in[b].score > in[a].score;
        *out++ = in[second ? b : a];
        b += (size_t)second;
        a += (size_t)!second;
    }
    memcpy(out, in + a, (middle - a) * sizeof *in);
    memcpy(out + (middle - a), in + b, (n - b) * sizeof *in);
}

void od_score_sort(od_scored *items, od_scored *scratch, size_t n)
{
    for (size_t i = 0; i < n; i += RUN) insertion_sort(items + i, n - i < RUN ? n - i : RUN);
    od_scored *from = items, *to = scratch;
    for (size_t width = RUN; width < n; width *= 2) {
        for (size_t i = 0; i < n; i += 2 * width) {
            size_t left = n - i, middle = width < left ? width : left;
            merge(from + i, middle, left < 2 * width ? left : 2 * width, to + i);
        }
        od_scored *swap = from;
        from = to;
        to = swap;
    }
    if (from != items) memcpy(items, from, n * sizeof *items);
}
