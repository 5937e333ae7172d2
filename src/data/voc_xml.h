/* SPDX-License-Identifier: Apache-2.0
 *
 * One PASCAL VOC annotation file (XML): what dataset_tools/create_pascal_tf_record.py reads of it.
 */
#ifndef OD_DATA_VOC_XML_H
#define OD_DATA_VOC_XML_H

#include "data/example.h"

/* Fills *out (zeroed; the caller deinits it whatever happens) from `size` bytes of XML: filename (also as source_id),
 * width and height (0 when absent), and the objects with their boxes still in pixels (ymin, xmin, ymax, xmax), class_text,
 * pose, difficult and truncated. OD_ERR_FORMAT with "path:line: ...". */
/* The same; out->group from the first of the elements `group_fields` below annotation that is there. */
od_status od_voc_xml_parse_grouped(const char *bytes, size_t size, const char *path, const char *group_fields, od_example *out,
                                   od_error *err);
od_status od_voc_xml_parse(const char *bytes, size_t size, const char *path, od_example *out, od_error *err);

#endif
