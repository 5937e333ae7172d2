/* SPDX-License-Identifier: Apache-2.0
 *
 * The names under which the OD API (TF2, object_detection 2.8) writes its summaries, so that curves of both programs
 * lie in one TensorBoard chart. Sources: model_lib_v2.py (training and evaluation loops), metrics/coco_evaluation.py
 * ('DetectionBoxes_' before each name of metrics/coco_tools.py), the meta-architectures' loss() for the losses.
 *
 * Folders, relative to the model_dir: training writes to "train", evaluation to "eval/<eval_input_reader.name>", which
 * is "eval" itself for a reader without a name.
 */
#ifndef OD_EVENTS_TAGS_H
#define OD_EVENTS_TAGS_H

#define OD_EVENTS_TRAIN_DIR "train"
#define OD_EVENTS_EVAL_DIR "eval"

/* Training, every num_steps_per_iteration (100) steps. learning_rate is the rate of the step after `step`. */
#define OD_TAG_STEPS_PER_SEC "steps_per_sec"
#define OD_TAG_LEARNING_RATE "learning_rate"
#define OD_TAG_TRAIN_IMAGES "train_input_images" /* the first 3 of a batch, as the network sees them, in 0..1 */

/* Losses: training values, and their means over the evaluation set. */
#define OD_TAG_LOSS_LOCALIZATION "Loss/localization_loss"
#define OD_TAG_LOSS_CLASSIFICATION "Loss/classification_loss"
#define OD_TAG_LOSS_REGULARIZATION "Loss/regularization_loss"
#define OD_TAG_LOSS_TOTAL "Loss/total_loss"
/* Faster and Mask R-CNN. */
#define OD_TAG_LOSS_RPN_LOCALIZATION "Loss/RPNLoss/localization_loss"
#define OD_TAG_LOSS_RPN_OBJECTNESS "Loss/RPNLoss/objectness_loss"
#define OD_TAG_LOSS_BOX_LOCALIZATION "Loss/BoxClassifierLoss/localization_loss"
#define OD_TAG_LOSS_BOX_CLASSIFICATION "Loss/BoxClassifierLoss/classification_loss"
#define OD_TAG_LOSS_BOX_MASK "Loss/BoxClassifierLoss/mask_loss"
/* CenterNet. */
#define OD_TAG_LOSS_CENTERNET_CENTER "Loss/object_center"
#define OD_TAG_LOSS_CENTERNET_SCALE "Loss/box/scale"
#define OD_TAG_LOSS_CENTERNET_OFFSET "Loss/box/offset"

/* Ours: the ends of mAP's 95 % interval, for a band around its curve. */
#define OD_TAG_MAP_LOW "Interval/mAP_low"
#define OD_TAG_MAP_HIGH "Interval/mAP_high"

/* COCO's 12 numbers in pycocotools' order of stats[0..11]: X(member, tag). */
#define OD_TAG_COCO_LIST(X)                                                                                            \
    X(map, "DetectionBoxes_Precision/mAP")                                                                             \
    X(map_50, "DetectionBoxes_Precision/mAP@.50IOU")                                                                   \
    X(map_75, "DetectionBoxes_Precision/mAP@.75IOU")                                                                   \
    X(map_small, "DetectionBoxes_Precision/mAP (small)")                                                               \
    X(map_medium, "DetectionBoxes_Precision/mAP (medium)")                                                             \
    X(map_large, "DetectionBoxes_Precision/mAP (large)")                                                               \
    X(ar_1, "DetectionBoxes_Recall/AR@1")                                                                              \
    X(ar_10, "DetectionBoxes_Recall/AR@10")                                                                            \
    X(ar_100, "DetectionBoxes_Recall/AR@100")                                                                          \
    X(ar_small, "DetectionBoxes_Recall/AR@100 (small)")                                                                \
    X(ar_medium, "DetectionBoxes_Recall/AR@100 (medium)")                                                              \
    X(ar_large, "DetectionBoxes_Recall/AR@100 (large)")

enum { OD_TAG_COCO_COUNT = 12 };
/* `static const char *const names[] = OD_TAG_COCO_NAMES;` */
#define OD_TAG_COCO_ITEM_(member, tag) tag,
#define OD_TAG_COCO_NAMES                                                                                              \
    {                                                                                                                  \
        OD_TAG_COCO_LIST(OD_TAG_COCO_ITEM_)                                                                            \
    }

#define OD_TAG_MAP "DetectionBoxes_Precision/mAP"
/* printf with the class's name: AP of one class (include_metrics_per_category). */
#define OD_TAG_CLASS_MAP_FORMAT "DetectionBoxes_PerformanceByCategory/mAP/%s"
/* printf with the class's name: the other numbers of a class (all_metrics_per_category), e.g. "Recall/AR@100". */
#define OD_TAG_CLASS_METRIC_FORMAT "DetectionBoxes_%s ByCategory/%s"

/* printf with (batch, image in batch): detections left, ground truth right, of the first num_visualizations batches. */
#define OD_TAG_SIDE_BY_SIDE_FORMAT "eval_side_by_side_%d_%d"

/* Ours: the pipeline.config, as text. */
#define OD_TAG_CONFIG "pipeline_config"

#endif
