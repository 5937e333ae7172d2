/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening what the public functions take as input: label map file and paths. Private to src/data.
 */
#ifndef OD_DATA_DATA_INPUT_H
#define OD_DATA_DATA_INPUT_H

#include "config/label_map.h"
#include "data/dataset.h"
#include "objdet/dataset.h"

typedef struct od_opened_input {
    od_label_map *loaded; /* from input->label_map_path, or NULL */
    od_dataset *ds;       /* has a label map */
} od_opened_input;

/* Opens and makes sure of a label map. With OD_MASKS_IF_ANY, keypoints are read, too. The caller closes (also after an error). */
od_status od_data_input_open(od_opened_input *out, const od_data_input *input, int keep_invalid, od_mask_loading masks, od_error *err);
void od_data_input_close(od_opened_input *in);

#endif
