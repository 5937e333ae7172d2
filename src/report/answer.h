/* SPDX-License-Identifier: Apache-2.0
 *
 * The answer sheet: twelve questions with the user's own numbers.
 */
#ifndef OD_REPORT_ANSWER_H
#define OD_REPORT_ANSWER_H

#include "report/texts.h"
#include "report/verdict.h"

enum { OD_NUM_ANSWERS = 12, OD_ANSWER_MAX_LINKS = 4 };

typedef struct od_answer_link {
    const char *anchor, *label; /* constant text; the anchor without # */
} od_answer_link;

typedef struct od_answer {
    int number;           /* from 1 */
    const char *key;      /* in JSON: "map_meaning" */
    const char *question; /* constant text */
    od_verdict verdict;
    od_texts headline; /* one sentence; a list so that texts.h writes it */
    od_texts points;   /* its reasons, a sentence or two each */
    od_answer_link links[OD_ANSWER_MAX_LINKS];
    int num_links;
    od_texts missing;  /* what the input can't tell */
    od_texts commands; /* that would tell it */
} od_answer;

struct od_report;
/* Fills all twelve from what has been gathered. 0, or -1 when out of memory. */
int od_answers_draw(struct od_report *r);
void od_answer_deinit(od_answer *a);

#endif
