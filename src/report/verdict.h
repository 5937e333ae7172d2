/* SPDX-License-Identifier: Apache-2.0
 *
 * How an answer stands.
 */
#ifndef OD_REPORT_VERDICT_H
#define OD_REPORT_VERDICT_H

/* name, key in JSON and class in CSS, word on the page */
#define OD_VERDICTS(X) \
    X(GOOD, "good", "fine")         /* looked at, and nothing is wrong */ \
    X(TOLD, "told", "answered")     /* a figure or an explanation without good or bad */ \
    X(WATCH, "watch", "watch out")  /* true, but easily misread or uncertain */ \
    X(PROBLEM, "problem", "problem") /* found, and it makes figures wrong or the model worse */ \
    X(OPEN, "open", "can't tell")   /* the run doesn't hold what the answer needs */

typedef enum od_verdict {
#define X(name, key, word) OD_VERDICT_##name,
    OD_VERDICTS(X)
#undef X
    OD_VERDICT_COUNT
} od_verdict;

const char *od_verdict_key(od_verdict verdict);
const char *od_verdict_word(od_verdict verdict);

#endif
