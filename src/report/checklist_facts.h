/* SPDX-License-Identifier: Apache-2.0 */
#ifndef OD_REPORT_CHECKLIST_FACTS_H
#define OD_REPORT_CHECKLIST_FACTS_H

#include "report/checklist_items.h"
#include "report/report_data.h"

/* What the run knows of a fact, in words; the anchor of its evidence, or NULL when it knows nothing. */
const char *od_checklist_fact(const od_report *r, od_fact fact, char *out, size_t size);

#endif
