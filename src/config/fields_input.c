/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry's rows of the input readers.
 */
#include "config/fields_rows.h"

#define KEYPOINTS "only CenterNet's keypoint_estimation_task looks at it, which is refused by name"
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
    INVALID("InputReader", "num_additional_channels", "the Keras networks have an input of three channels and fail on more ('Input 0 of layer is incompatible'); only ssd_mobilenet_v2_fpn_keras takes them", "remove it"),
    DIFFERS("InputReader", "num_keypoints", "of each object, as keypoint_box_coder has; read from image/object/keypoint/{x,y,visibility}, or COCO JSON. Those of visibility 0 and objects of records without any are nothing to learn", "learns the picture's corner for objects of records without any"),
    NO_EFFECT("InputReader", "keypoint_type_weight", KEYPOINTS),
    SAME("InputReader", "max_number_of_boxes", "of an image; more are cut off"),
    SAME("InputReader", "load_multiclass_scores", "reads image/object/class/multiclass_scores [boxes, num_classes]"),
    NO_EFFECT("InputReader", "load_context_features", "only Context R-CNN looks at them, which is refused by its context_config"),
    NO_EFFECT("InputReader", "load_context_image_ids", "for pictures of Context R-CNN's attention"),
    SAME("InputReader", "load_instance_masks", "reads masks"),
    SAME("InputReader", "mask_type", "how masks are stored"),
    NO_EFFECT("InputReader", "load_dense_pose", "only CenterNet's densepose_estimation_task looks at it, which is refused by name"),
    NO_EFFECT("InputReader", "load_track_id", "only CenterNet's track_estimation_task looks at it, which is refused by name"),
    NO_EFFECT("InputReader", "load_keypoint_depth_features", KEYPOINTS),
    DIFFERS("InputReader", "use_display_name", "a class text is looked up among names and display names", "the same with a label map (the larger id counts), which TF2's decoder does whatever it says"),
    NO_EFFECT("InputReader", "include_source_id", "hands a file's name on to the evaluation"),
    DIFFERS("InputReader", "input_type", "TF_EXAMPLE; or TF_SEQUENCE_EXAMPLE: frames of sequences, of which training draws each sequence equally often and then a frame, and evaluation takes each frame; frames with region/is_annotated 0 are left out", "trains them as images without objects (inputs.py doesn't hand is_annotated on). INPUT_DEFAULT is refused (decoder_builder.py)"),
    SAME("InputReader", "frame_index", "of each sequence only this frame, from 0, in training; -1: any"),
    NO_EFFECT("InputReader", "use_keypoint_label_map", "no TF2 file reads it"),
    SAME("InputReader", "tf_record_input_reader", "the data"),
    INVALID("InputReader", "external_input_reader", "input_reader and decoder builders know tf_record_input_reader only", "use tf_record_input_reader { input_path: '...' }"),
    SAME("InputReader", "sample_from_datasets_weights", "how often training draws from each input_path, one weight each; an evaluation leaves out those of weight 0"),
    SAME("InputReader", "expand_labels_hierarchy", "boxes count for the ancestors of their class (the label map's ancestor_ids), too; so do image labels, and absent ones for descendants"),
    DIFFERS("TFRecordInputReader", "input_path", "TFRecords (also GZIP, shards, patterns), and COCO JSON, VOC folders, CSV and more", "uncompressed TFRecords only"),
};

FIELD_TABLE(od_fields_input, rows);
