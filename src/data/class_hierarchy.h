/* SPDX-License-Identifier: Apache-2.0
 *
 * InputReader.expand_labels_hierarchy (data_decoders/tf_example_decoder.py, _expansion_box_field_labels and _expand_image_label_hierarchy):
 * what is a dog is an animal, too, and what has no animal has no dog.
 */
#ifndef OD_DATA_CLASS_HIERARCHY_H
#define OD_DATA_CLASS_HIERARCHY_H

#include "config/label_map.h"
#include "data/example.h"

/* Every object becomes one for each ancestor of its class and itself, by ascending id; classes said to be present bring their ancestors,
 * those said to be absent their descendants. OD_ERR_NOMEM. */
od_status od_class_hierarchy_expand(const od_label_map *map, od_example *e, od_error *err);

#endif
