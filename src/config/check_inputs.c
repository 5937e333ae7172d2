/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of the input readers: label maps and data, which must be there; and of paths as they are written.
 */
#include "config/check.h"
#include "util/file.h"
#include "util/strbuf.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef ObjectDetection__Protos__InputReader reader_proto;

int od_check_path_is_placeholder(const char *path)
{
    return !path[0] || strstr(path, "PATH_TO_BE_CONFIGURED") != NULL;
}

/* A control character in a path is a backslash escape that wasn't meant: "C:\train" holds a tab. */
static int has_control(const char *path)
{
    for (; *path; path++)
        if ((unsigned char)*path < 32) return 1;
    return 0;
}

int od_check_path(od_check *check, const void *message, const char *field, const char *path)
{
    if (od_check_path_is_placeholder(path)) {
        od_check_add(check, OD_CONFIG_ERROR, message, field, "the path of your own file", "put your path in", path[0] ? "%s is the zoo's placeholder" : "is empty%s",
                     path[0] ? path : "");
        return 1;
    }
    if (strchr(path, '\\') || has_control(path)) {
        od_check_add(check, OD_CONFIG_ERROR, message, field, "/ between folders", "write C:/data/x instead of C:\\data\\x",
                     "the path has backslashes, which a config reads as escapes (\\t is a tab)");
        return 1;
    }
    return 0;
}

/* name@8 stands for name-00000-of-00008 and so on. Writes the first; 0 when the path isn't of that kind. */
static int first_shard(const char *path, char *out, size_t size)
{
    const char *at = strrchr(path, '@');
    if (!at || !at[1] || strspn(at + 1, "0123456789") != strlen(at + 1)) return 0;
    snprintf(out, size, "%.*s-00000-of-%05d", (int)(at - path), path, atoi(at + 1));
    return 1;
}

static int any_file(const char *path)
{
    char shard[4096];
    if (od_path_exists(path)) return 1;
    if (first_shard(path, shard, sizeof shard)) return od_path_exists(shard);
    glob_t found;
    int result = glob(path, GLOB_NOSORT, NULL, &found);
    if (!result) globfree(&found);
    return result == 0;
}

static void check_input_paths(od_check *check, const reader_proto *reader)
{
    const ObjectDetection__Protos__TFRecordInputReader *records =
        reader->input_reader_case == OBJECT_DETECTION__PROTOS__INPUT_READER__INPUT_READER_TF_RECORD_INPUT_READER
            ? reader->tf_record_input_reader : NULL;
    if (!records) {
        if (reader->input_reader_case == OBJECT_DETECTION__PROTOS__INPUT_READER__INPUT_READER__NOT_SET)
            od_check_missing(check, reader, "tf_record_input_reader", "add tf_record_input_reader { input_path: '...' }");
        return;
    }
    if (!records->n_input_path) od_check_missing(check, records, "input_path", "add input_path: '...' (a TFRecord, or a COCO JSON, a VOC folder, a CSV)");
    for (size_t i = 0; i < records->n_input_path; i++) {
        const char *path = records->input_path[i];
        if (od_check_path(check, records, "input_path", path) || check->skip_files || any_file(path)) continue;
        od_check_add(check, OD_CONFIG_ERROR, records, "input_path", "a file, or a pattern that matches files",
                     "correct the path; it counts from the folder where objdet is started", "no file matches %s", path);
    }
}

static void check_sampling(od_check *check, const reader_proto *reader)
{
    size_t paths = reader->input_reader_case == OBJECT_DETECTION__PROTOS__INPUT_READER__INPUT_READER_TF_RECORD_INPUT_READER && reader->tf_record_input_reader
                       ? reader->tf_record_input_reader->n_input_path : 0, weights = reader->n_sample_from_datasets_weights;
    float sum = 0;
    char expected[64];
    for (size_t i = 0; i < weights; i++) sum += reader->sample_from_datasets_weights[i];
    snprintf(expected, sizeof expected, "%zu weights, one for each input_path", paths);
    if (weights && weights != paths)
        od_check_add(check, OD_CONFIG_ERROR, reader, "sample_from_datasets_weights", expected, NULL, "%zu weights for %zu input_paths", weights, paths);
    else if (weights && !(sum > 0))
        od_check_add(check, OD_CONFIG_ERROR, reader, "sample_from_datasets_weights", "a sum above 0", NULL, "all weights are 0: there would be no data");
}

/* The map of this reader, or NULL after telling why. */
static od_label_map *load_label_map(od_check *check, const reader_proto *reader)
{
    if (!reader->label_map_path || !reader->label_map_path[0]) {
        od_check_missing(check, reader, "label_map_path", "add label_map_path: '...' (objdet data convert writes one)");
        return NULL;
    }
    if (od_check_path(check, reader, "label_map_path", reader->label_map_path) || check->skip_files) return NULL;
    od_label_map *map = NULL;
    od_error err = {0};
    od_status status = od_label_map_load(reader->label_map_path, &map, &err);
    if (status == OD_ERR_NOT_FOUND)
        od_check_add(check, OD_CONFIG_ERROR, reader, "label_map_path", "a label map (.pbtxt)",
                     "correct the path; it counts from the folder where objdet is started", "there is no file %s", reader->label_map_path);
    else if (status == OD_ERR_NOMEM)
        check->problems->failed = 1;
    else if (status != OD_OK)
        od_check_add(check, OD_CONFIG_ERROR, reader, "label_map_path", "a label map (.pbtxt)", NULL, "%s", err.message);
    return map;
}

static int maps_agree(const od_label_map *a, const od_label_map *b)
{
    if (od_label_map_count(a) != od_label_map_count(b)) return 0;
    for (int i = 0; i < od_label_map_count(a); i++) {
        int32_t id = od_label_map_id(a, i);
        const char *name = od_label_map_name(b, id);
        if (!name || strcmp(name, od_label_map_name(a, id))) return 0;
    }
    return 1;
}

static void check_reader(od_check *check, const reader_proto *reader)
{
    check_input_paths(check, reader);
    check_sampling(check, reader);
    od_label_map *map = load_label_map(check, reader);
    if (!check->label_map) {
        check->label_map = map;
        return;
    }
    if (map && !maps_agree(map, check->label_map))
        od_check_add(check, OD_CONFIG_WARNING, reader, "label_map_path", "the label map of train_input_reader", NULL,
                     "%s has other classes than %s", reader->label_map_path, od_label_map_path(check->label_map));
    od_label_map_free(map);
}

static int reads(const reader_proto *reader, const char *path)
{
    if (reader->input_reader_case != OBJECT_DETECTION__PROTOS__INPUT_READER__INPUT_READER_TF_RECORD_INPUT_READER) return 0;
    for (size_t i = 0; i < reader->tf_record_input_reader->n_input_path; i++)
        if (!strcmp(reader->tf_record_input_reader->input_path[i], path)) return 1;
    return 0;
}

static void check_same_data(od_check *check, const reader_proto *train, const reader_proto *eval)
{
    if (!train || train->input_reader_case != OBJECT_DETECTION__PROTOS__INPUT_READER__INPUT_READER_TF_RECORD_INPUT_READER) return;
    const ObjectDetection__Protos__TFRecordInputReader *records = train->tf_record_input_reader;
    for (size_t i = 0; i < records->n_input_path; i++)
        if (!od_check_path_is_placeholder(records->input_path[i]) && reads(eval, records->input_path[i]))
            od_check_add(check, OD_CONFIG_WARNING, eval->tf_record_input_reader, "input_path", "data that isn't trained on",
                         "split the data and give the other part here", "the evaluation would read the training data %s",
                         records->input_path[i]);
}

void od_check_inputs(od_check *check)
{
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(check->config);
    if (proto->train_input_reader)
        check_reader(check, proto->train_input_reader);
    else
        od_check_missing(check, proto, "train_input_reader", "add train_input_reader { label_map_path: '...' tf_record_input_reader { input_path: '...' } }");
    if (!proto->n_eval_input_reader && !od_text_tree_damaged(od_config_tree(check->config), proto))
        od_check_add(check, OD_CONFIG_WARNING, proto, "eval_input_reader", NULL, "add eval_input_reader { ... } as for training",
                     "is missing: nothing can be evaluated");
    for (size_t i = 0; i < proto->n_eval_input_reader; i++) {
        check_reader(check, proto->eval_input_reader[i]);
        check_same_data(check, proto->train_input_reader, proto->eval_input_reader[i]);
    }
}
