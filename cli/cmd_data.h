/* SPDX-License-Identifier: Apache-2.0
 *
 * The actions of objdet data that have a file of their own. Each returns the process's exit code.
 */
#ifndef CLI_CMD_DATA_H
#define CLI_CMD_DATA_H

/* What --format and --from take. */
#define CLI_DATA_FORMATS "tfrecord, coco, voc, csv, yolo, cvat, labelstudio or openimages"

int cli_data_convert(int argc, char **argv);
int cli_data_check(int argc, char **argv);
int cli_data_split(int argc, char **argv);
int cli_data_preview(int argc, char **argv);

#endif
