/* SPDX-License-Identifier: Apache-2.0
 *
 * What the answers' files share: one function a question, and texts of figures.
 */
#ifndef OD_REPORT_ANSWERS_H
#define OD_REPORT_ANSWERS_H

#include "report/report_data.h"

/* number, key in JSON, question */
#define OD_ANSWERS(X) \
    X(1, map_meaning, "What does this mAP mean, and is it good?") \
    X(2, image_accuracy, "How does it compare with papers that report accuracy?") \
    X(3, absent_areas, "Why are AP or AR for small, medium or large -1?") \
    X(4, overfitting, "Is it overfitting, and which checkpoint is best?") \
    X(5, imbalance, "Are the classes balanced, and what helps?") \
    X(6, flips, "Are flips and rotations valid for these labels?") \
    X(7, null_images, "What happens on images without objects, and on look-alikes?") \
    X(8, operating_point, "Which threshold, and is that good enough?") \
    X(9, failures, "What goes wrong, and where?") \
    X(10, curves, "Is there a curve, not a dot?") \
    X(11, losses, "Where are the losses, and where is mAP?") \
    X(12, leaks, "Is the same picture, or the same patient, in train and test?")

#define X(number, key, question) void od_answer_##key(od_answer *a, const od_report *r);
OD_ANSWERS(X)
#undef X

enum { OD_FIGURE_TEXT = 96 };
/* "0.837 [0.801, 0.866]", or "unknown"; returns `out` of OD_FIGURE_TEXT bytes. */
const char *od_figure_text(char *out, const od_interval *v, int decimals);
void od_answer_link_add(od_answer *a, const char *anchor, const char *label);
/* The verdict is at least this bad: GOOD, TOLD < WATCH < PROBLEM. */
void od_answer_worsen(od_answer *a, od_verdict verdict);

#endif
