/* SPDX-License-Identifier: Apache-2.0
 *
 * The report's page: head, list of sections, the sections, script; one file without any link to the outside.
 */
#ifndef OD_REPORT_PAGE_H
#define OD_REPORT_PAGE_H

#include "report/report_data.h"

#include <jansson.h>

/* Lowers r->gallery_shown until the page is within max_size_mb. */
od_status od_page_write(od_report *r, const char *path, od_error *err);
od_status od_page_write_json(const od_report *r, const char *path, od_error *err);

#endif
