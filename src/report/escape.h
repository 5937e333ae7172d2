/* SPDX-License-Identifier: Apache-2.0
 *
 * Text into XML and HTML: whatever a file name or a label map holds, the page stays well-formed.
 */
#ifndef OD_REPORT_ESCAPE_H
#define OD_REPORT_ESCAPE_H

#include "util/strbuf.h"

#include <stddef.h>

/* Appends `text` for use between tags or inside double or single quotes: & < > " ' as entities, bytes that aren't UTF-8
 * and control signs that XML forbids as U+FFFD. NULL appends nothing. */
void od_xml_escape(od_strbuf *out, const char *text);

/* Signs (code points) of a UTF-8 text; for estimating widths. */
size_t od_utf8_length(const char *text);

/* Appends `text` with every byte that isn't part of a well-formed UTF-8 sequence replaced by U+FFFD. */
void od_utf8_repair(od_strbuf *out, const char *text);

#endif
