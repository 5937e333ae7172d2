/* SPDX-License-Identifier: Apache-2.0 */
#include "data/data_input.h"

od_status od_data_input_open(od_opened_input *out, const od_data_input *input, int keep_invalid, od_mask_loading masks, od_error *err)
{
    *out = (od_opened_input){0};
    if (input->label_map_path) OD_TRY(od_label_map_load(input->label_map_path, &out->loaded, err));
    od_dataset_options options = {.label_map = out->loaded,
                                  .image_dir = input->image_dir,
                                  .format = input->format,
                                  .all_splits = 1,
                                  .keep_invalid = keep_invalid,
                                  .masks = masks,
                                  .keypoints = masks == OD_MASKS_IF_ANY ? OD_KEYPOINTS_IF_ANY : OD_KEYPOINTS_NONE};
    OD_TRY(od_dataset_open(&out->ds, input->paths, input->path_count, &options, err));
    return od_dataset_infer_label_map(out->ds, err);
}

void od_data_input_close(od_opened_input *in)
{
    od_dataset_free(in->ds);
    od_label_map_free(in->loaded);
    *in = (od_opened_input){0};
}
