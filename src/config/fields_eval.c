/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry's rows of eval_config.
 */
#include "config/fields_rows.h"

#define EVALUATOR "TF2's evaluation (model_lib_v2.py, eval_util.py) doesn't read it"

static const od_field_row rows[] = {
    SAME("EvalConfig", "batch_size", "images evaluated at a time; changes no figure"),
    SAME("EvalConfig", "num_visualizations", "pictures written for TensorBoard"),
    IGNORED("EvalConfig", "num_examples", EVALUATOR, "remove it: the whole eval set is read (--sample_1_of_n_eval_examples thins it out)"),
    NO_EFFECT("EvalConfig", "eval_interval_secs", EVALUATOR),
    IGNORED("EvalConfig", "max_evals", EVALUATOR, "remove it"),
    NO_EFFECT("EvalConfig", "save_graph", EVALUATOR),
    IGNORED("EvalConfig", "visualization_export_dir", EVALUATOR, "remove it"),
    NO_EFFECT("EvalConfig", "eval_master", EVALUATOR),
    SAME("EvalConfig", "metrics_set", "which metrics"),
    SAME("EvalConfig", "parameterized_metric", "COCO's keypoint metrics of a class, under the OD API's tags (in which AR@1 is the mean recall, AR@10 that at similarity .5, AR@100 at .75)"),
    IGNORED("EvalConfig", "export_path", "passed to COCO evaluators of TensorFlow 1 graphs only", "remove it: eval/detections.json holds the detections"),
    IGNORED("EvalConfig", "ignore_groundtruth", EVALUATOR, "remove it"),
    SAME("EvalConfig", "use_moving_averages", "evaluates the moving averages instead of the weights, with optimizer { use_moving_average: true }; predict uses the weights, as TF2's exporter"),
    NO_EFFECT("EvalConfig", "eval_instance_masks", EVALUATOR ": metrics_set decides"),
    SAME("EvalConfig", "min_score_threshold", "of the boxes drawn into TensorBoard's pictures"),
    SAME("EvalConfig", "max_num_boxes_to_visualize", "boxes drawn into a picture"),
    NO_EFFECT("EvalConfig", "skip_scores", EVALUATOR),
    NO_EFFECT("EvalConfig", "skip_labels", EVALUATOR),
    NO_EFFECT("EvalConfig", "visualize_groundtruth_boxes", EVALUATOR),
    NO_EFFECT("EvalConfig", "groundtruth_box_visualization_color", EVALUATOR),
    NO_EFFECT("EvalConfig", "keep_image_id_for_visualization_export", EVALUATOR),
    DIFFERS("EvalConfig", "retain_original_images", "evaluation is in the images' own pixels, with pictures", "false: figures in the pixels of the network's input, and no pictures"),
    DIFFERS("EvalConfig", "include_metrics_per_category", "COCO metrics of each class", "fails with current pycocotools"),
    DIFFERS("EvalConfig", "all_metrics_per_category", "COCO metrics of each class", "fails with current pycocotools"),
    DIFFERS("EvalConfig", "super_categories", "not read: metrics of groups of classes", "writes them for the COCO metrics, where per-category metrics work"),
    SAME("EvalConfig", "recall_lower_bound", "for precision_at_recall_detection_metrics"),
    SAME("EvalConfig", "recall_upper_bound", "for precision_at_recall_detection_metrics"),
    NO_EFFECT("EvalConfig", "retain_original_image_additional_channels", "keeps channels in memory that nobody looks at"),
    NO_EFFECT("EvalConfig", "force_no_resize", "model_lib_v2.py hands eval_input() the model, whose preprocess() resizes all the same; it changes the pictures in TensorBoard"),
    IGNORED("EvalConfig", "use_dummy_loss_in_eval", "TensorFlow 1's model_lib.py only", "remove it"),
    NO_EFFECT("EvalConfig", "keypoint_edge", "lines between keypoints in pictures"),
    SAME("EvalConfig", "skip_predictions_for_unlabeled_class", "COCO metrics skip detections of classes that an image isn't annotated for"),
    NO_EFFECT("EvalConfig", "image_classes_field_map_empty_to_ones", "for data with labelled classes per image"),
    SAME("ParameterizedMetric", "coco_keypoint_metrics", "by object keypoint similarity, at most 20 detections an image"),
    SAME("CocoKeypointMetrics", "class_label", "the class, as the label map names it; its item names the keypoints: keypoints { id: 0 label: '...' }, the id being the place among an object's keypoints"),
    DIFFERS("CocoKeypointMetrics", "keypoint_label_to_sigmas", "each keypoint's deviation in parts of the object's size; none given: .05 of all; an error when some are missing", "divides by zero when some are missing"),
    SAME("KeypointLabelToSigmasEntry", "*", "a keypoint's name, and its deviation"),
    SAME("SuperCategoriesEntry", "*", "a group's name and its classes, with commas"),
    NO_EFFECT("KeypointEdge", "*", "lines between keypoints in pictures"),
};

FIELD_TABLE(od_fields_eval, rows);
