/* SPDX-License-Identifier: Apache-2.0
 *
 * The sections of the report: each one file section_<name>.c, which writes it as HTML and as JSON from what was gathered.
 */
#ifndef OD_REPORT_SECTION_H
#define OD_REPORT_SECTION_H

#include "report/report_data.h"
#include "report/widgets.h"

#include <jansson.h>

/* name, anchor and key in JSON, title */
#define OD_REPORT_SECTIONS(X) \
    X(answers, "answers", "Answer sheet") \
    X(coco, "coco", "COCO's numbers") \
    X(image_level, "image_level", "Images right or wrong") \
    X(localisation, "localisation", "Finding objects") \
    X(operating_point, "operating_point", "Operating point and calibration") \
    X(failures, "failures", "Failures") \
    X(training, "training", "Training") \
    X(robustness, "robustness", "Changed pictures") \
    X(data, "data", "Data") \
    X(checklists, "checklists", "Reporting checklists") \
    X(about, "about", "How this was computed")

/* The heading is written by the page. The JSON is a new value, never NULL unless out of memory. */
#define X(name, anchor, title) \
    void od_section_##name##_html(od_html *h, const od_report *r); \
    json_t *od_section_##name##_json(const od_report *r);
OD_REPORT_SECTIONS(X)
#undef X

#endif
