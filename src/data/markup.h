/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts in the formats that are written: XML, CSV, JSON (and YAML, whose quoted texts JSON's are).
 */
#ifndef OD_DATA_MARKUP_H
#define OD_DATA_MARKUP_H

#include "util/strbuf.h"

/* The text with &, <, >, " and ' as entities; control characters that XML has no way to say become '?'. */
void od_put_xml_text(od_strbuf *out, const char *text);
/* The text, in quotation marks where a comma, a quotation mark, a line break or white space at an end asks for them. */
void od_put_csv_field(od_strbuf *out, const char *text);
/* The text with its quotation marks. Bytes that aren't UTF-8 become '?'. */
void od_put_json_text(od_strbuf *out, const char *text);

#endif
