/* SPDX-License-Identifier: Apache-2.0
 *
 * One PASCAL VOC annotation file (XML): what dataset_tools/create_pascal_tf_record.py reads of it.
 */
#ifndef OD_DATA_VOC_XML_H
#define OD_DATA_VOC_XML_H

#include "data/example.h"

/* Fills *out (zeroed; the caller deinits it whatever happens) from `size` bytes of XML: filename (also as source_id),
 * width and height (0 when absent), and the objects with class_text, pose, difficult, truncated and occluded, their boxes not
 * set: these are in pixels (ymin, xmin, ymax, xmax) in (*pixels)[object_count], which is freed with od_free (NULL without
 * objects, or after an error). out->group from the first of the elements `group_fields` below annotation that is there; NULL: no
 * group. OD_ERR_FORMAT with "path:line: ...". */
od_status od_voc_xml_parse(const char *bytes, size_t size, const char *path, const char *group_fields, od_example *out,
                           double (**pixels)[4], od_error *err);

#endif
