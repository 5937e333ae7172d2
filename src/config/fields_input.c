/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry's rows of the input readers.
 */
#include "config/fields_rows.h"

#define THREADS "threads and buffers of tf.data; here by --num_workers"

static const od_field_row rows[] = {
    SAME("InputReader", "name", "of the evaluation's folder of events"),
    SAME("InputReader", "label_map_path", "ids and names of the classes"),
    SAME("InputReader", "shuffle", "training: in random order"),
    DIFFERS("InputReader", "shuffle_buffer_size", "the whole set is shuffled anew each epoch", "shuffles within a window of so many examples"),
    DIFFERS("InputReader", "filenames_shuffle_buffer_size", "the whole set is shuffled anew each epoch", "shuffles within a window of so many files"),
    DIFFERS("InputReader", "num_epochs", "training goes on for num_steps, an evaluation reads its set once", "0 reads without end, where an evaluation would never finish"),
    SAME("InputReader", "sample_1_of_n_examples", "each n-th example only"),
    NO_EFFECT("InputReader", "num_readers", THREADS),
    NO_EFFECT("InputReader", "num_parallel_batches", THREADS),
    NO_EFFECT("InputReader", "num_prefetch_batches", THREADS),
    NO_EFFECT("InputReader", "queue_capacity", "TF2's dataset_builder.py doesn't read it"),
    NO_EFFECT("InputReader", "min_after_dequeue", "TF2's dataset_builder.py doesn't read it"),
    NO_EFFECT("InputReader", "read_block_length", THREADS),
    NO_EFFECT("InputReader", "prefetch_size", "TF2's dataset_builder.py doesn't read it"),
    NO_EFFECT("InputReader", "num_parallel_map_calls", THREADS),
    DIFFERS("InputReader", "drop_remainder", "training batches are always full; an evaluation reads every image", "true drops the last, smaller batch of an evaluation"),
    SAME("InputReader", "num_additional_channels", "channels behind R, G and B"),
    SAME("InputReader", "num_keypoints", "keypoints of a box"),
    SAME("InputReader", "keypoint_type_weight", "weights of the keypoints' losses"),
    SAME("InputReader", "max_number_of_boxes", "of an image; more are cut off"),
    SAME("InputReader", "load_multiclass_scores", "reads image/object/class/multiclass_scores"),
    SAME("InputReader", "load_context_features", "for Context R-CNN"),
    SAME("InputReader", "load_context_image_ids", "for Context R-CNN"),
    SAME("InputReader", "load_instance_masks", "reads masks"),
    SAME("InputReader", "mask_type", "how masks are stored"),
    SAME("InputReader", "load_dense_pose", "for DensePose"),
    SAME("InputReader", "load_track_id", "for tracking"),
    SAME("InputReader", "load_keypoint_depth_features", "for keypoints with depth"),
    DIFFERS("InputReader", "use_display_name", "a class text is looked up among names and display names", "the same with a label map (the larger id counts), which TF2's decoder does whatever it says"),
    NO_EFFECT("InputReader", "include_source_id", "hands a file's name on to the evaluation"),
    SAME("InputReader", "input_type", "TF_EXAMPLE or TF_SEQUENCE_EXAMPLE"),
    SAME("InputReader", "frame_index", "of a sequence example: which frame"),
    NO_EFFECT("InputReader", "use_keypoint_label_map", "no TF2 file reads it"),
    SAME("InputReader", "tf_record_input_reader", "the data"),
    INVALID("InputReader", "external_input_reader", "input_reader and decoder builders know tf_record_input_reader only", "use tf_record_input_reader { input_path: '...' }"),
    SAME("InputReader", "sample_from_datasets_weights", "how often each input_path is drawn from"),
    SAME("InputReader", "expand_labels_hierarchy", "boxes count for the ancestors of their class, too"),
    DIFFERS("TFRecordInputReader", "input_path", "TFRecords (also GZIP, shards, patterns), and COCO JSON, VOC folders, CSV and more", "uncompressed TFRecords only"),
};

FIELD_TABLE(od_fields_input, rows);
