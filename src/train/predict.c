/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/predict.h"

#include "checkpoint/model_dir.h"
#include "image/draw.h"
#include "train/detection_masks.h"
#include "train/detections_file.h"
#include "train/eval_pictures.h"
#include "train/operating_point.h"
#include "train/run_setup.h"
#include "train/variables_io.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/file_list.h"
#include "util/hashmap.h"

#include <omp.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>

od_predict_options od_predict_options_default(void)
{
    return (od_predict_options){.min_score_thresh = -1, .output_dir = "predictions", .max_boxes = 20};
}

typedef struct predictor {
    const od_predict_options *o;
    od_run_setup setup;
    od_label_map *labels;
    od_operating_file *operating; /* of the model_dir; NULL: none, or not asked for */
    double *thresholds;           /* [classes] */
    double lowest_threshold;
    od_instance *inst;
    int height, width;
    float *input;
    od_detections found;
    od_draw_box *boxes; /* room for every detection of a picture */
    int box_capacity;
    od_file_list files;
    char **names;       /* of each picture's results: its stem, perhaps numbered */
    od_strbuf results;  /* entries of detections.json */
    int64_t result_count, read;
    double begun;
} predictor;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* --- opening ------------------------------------------------------------------------------------------------------------- */

static od_status check_options(const od_predict_options *o, od_error *err)
{
    if (!o->model_dir) return od_error_set(err, OD_ERR_ARG, "no model: give --model_dir");
    if (o->input_count < 1) return od_error_set(err, OD_ERR_ARG, "no pictures: give files or folders");
    if (!o->output_dir || !o->output_dir[0]) return od_error_set(err, OD_ERR_ARG, "no folder for the results: give --output_dir");
    if (isnan(o->min_score_thresh) || o->min_score_thresh > 1)
        return od_error_set(err, OD_ERR_ARG, "min_score_thresh is %g; expected a score from 0 to 1", o->min_score_thresh);
    if (o->max_boxes < 0) return od_error_set(err, OD_ERR_ARG, "max_boxes is %d; expected 0 or more", o->max_boxes);
    if (o->num_threads < 0) return od_error_set(err, OD_ERR_ARG, "num_threads is %d; expected 1 or more, or 0 for all processors", o->num_threads);
    return OD_OK;
}

static od_status open_config(predictor *p, od_error *err)
{
    char *path = p->o->pipeline_config_path ? od_strdup(p->o->pipeline_config_path) : od_path_join(p->o->model_dir, "pipeline.config");
    if (!path) return od_error_nomem(err, "the config");
    od_status status = od_run_setup_init(&p->setup, path, OD_USE_PREDICT, err);
    od_free(path);
    return status;
}

static od_status open_checkpoint(predictor *p, od_error *err)
{
    int64_t step;
    if (p->o->checkpoint) return od_variables_restore(p->o->checkpoint, p->setup.model, NULL, &step, err);
    od_model_dir *dir;
    OD_TRY(od_model_dir_open(&dir, p->o->model_dir, err));
    const char *newest = od_model_dir_newest(dir);
    od_status status = newest ? od_variables_restore(newest, p->setup.model, NULL, &step, err)
                              : od_error_set(err, OD_ERR_NOT_FOUND, "%s: no checkpoint (ckpt-N.index) in this folder or its checkpoint/; train first or give --checkpoint",
                                             p->o->model_dir);
    od_model_dir_close(dir);
    return status;
}

/* The map that was asked for, or the first that exists. */
static od_status find_labels(predictor *p, od_error *err)
{
    if (p->o->label_map_path) return od_run_labels_load(&p->setup, p->o->label_map_path, &p->labels, err);
    char *own = od_path_join(p->o->model_dir, "label_map.pbtxt");
    const ObjectDetection__Protos__TrainEvalPipelineConfig *c = p->setup.proto;
    const char *paths[] = {own, c->train_input_reader ? c->train_input_reader->label_map_path : NULL,
                           c->n_eval_input_reader ? c->eval_input_reader[0]->label_map_path : NULL};
    od_status status = own ? OD_OK : od_error_nomem(err, "label map");
    for (int i = 0; i < 3 && status == OD_OK && !p->labels; i++)
        if (paths[i] && paths[i][0] && od_path_exists(paths[i])) status = od_run_labels_load(&p->setup, paths[i], &p->labels, err);
    od_free(own);
    return status;
}

/* Every class gets a name: "class N" where the map has none. */
static od_status open_labels(predictor *p, od_error *err)
{
    int one_class = od_model_get_info(p->setup.model)->one_class;
    if (!one_class) OD_TRY(find_labels(p, err));
    if (!p->labels && !(p->labels = od_label_map_create())) return od_error_nomem(err, "label map");
    for (int id = 1, classes = od_model_num_classes(p->setup.model); id <= classes; id++) {
        char name[32];
        if (od_label_map_name(p->labels, id)) continue;
        if (one_class) snprintf(name, sizeof name, "object");
        else snprintf(name, sizeof name, "class %d", id);
        od_status status = od_label_map_add(p->labels, id, name, NULL, err);
        if (status != OD_OK && status != OD_ERR_ARG) return status; /* ARG: another class is called so */
    }
    return OD_OK;
}

/* A threshold that was chosen for this model, unless the caller gives one. */
static od_status open_operating_point(predictor *p, od_error *err)
{
    od_operating_file *f;
    OD_TRY(od_model_operating_point_load(&f, p->o->model_dir, err));
    if (!f) return OD_OK;
    if (p->o->min_score_thresh >= 0) {
        od_log(OD_LOG_INFO, "%s/%s (threshold %g) is not used: a threshold of %g was given", p->o->model_dir, OD_OPERATING_FILE,
               od_operating_file_threshold(f), p->o->min_score_thresh);
        od_operating_file_free(f);
        return OD_OK;
    }
    p->operating = f;
    od_log(OD_LOG_INFO, "threshold of %s/%s, chosen on %s: %s", p->o->model_dir, OD_OPERATING_FILE, od_operating_file_fit_gt(f),
           od_operating_file_reason(f));
    if (od_operating_file_num_class_thresholds(f))
        od_log(OD_LOG_INFO, "classes with a threshold of their own: %lld", (long long)od_operating_file_num_class_thresholds(f));
    if (od_operating_file_calibrator(f)) od_log(OD_LOG_INFO, "scores are shown as calibrated probabilities; detections.json has both");
    return OD_OK;
}

static const char *label_of(const predictor *p, int class_index);

/* From which score on each class's detections are drawn. */
static od_status find_thresholds(predictor *p, od_error *err)
{
    int n = od_model_num_classes(p->setup.model);
    p->thresholds = od_malloc((size_t)n, sizeof *p->thresholds);
    if (!p->thresholds) return od_error_nomem(err, "thresholds");
    p->lowest_threshold = 1;
    for (int k = 0; k < n; k++) {
        double own = p->operating ? od_operating_file_class_threshold(p->operating, label_of(p, k)) : .5;
        p->thresholds[k] = p->o->min_score_thresh >= 0 ? p->o->min_score_thresh : own;
        if (p->thresholds[k] < p->lowest_threshold) p->lowest_threshold = p->thresholds[k];
    }
    return OD_OK;
}

static const od_calibrator *calibrator_of(const predictor *p)
{
    return p->operating ? od_operating_file_calibrator(p->operating) : NULL;
}

static const char *label_of(const predictor *p, int class_index)
{
    const char *name = od_label_map_name(p->labels, class_index + 1);
    return name ? name : "class without a name";
}

static int is_jpeg(const char *path)
{
    const char *dot = strrchr(od_path_base(path), '.');
    return dot && (!strcasecmp(dot, ".jpg") || !strcasecmp(dot, ".jpeg"));
}

/* Path of the annotated picture; NULL when out of memory. */
static char *output_path(const predictor *p, size_t index)
{
    char *name = od_asprintf("%s.%s", p->names[index], is_jpeg(p->files.paths[index]) ? "jpg" : "png");
    char *path = name ? od_path_join(p->o->output_dir, name) : NULL;
    od_free(name);
    return path;
}

/* "device:inode"; 0 when there is no such file. */
static int file_identity(const char *path, char *text, size_t size)
{
    struct stat st;
    if (stat(path, &st)) return 0;
    snprintf(text, size, "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    return 1;
}

static od_status check_output(const predictor *p, const od_hashmap *inputs, size_t index, od_error *err)
{
    char identity[64], *path = output_path(p, index);
    if (!path) return od_error_nomem(err, "a picture's name");
    od_status status = OD_OK;
    if (file_identity(path, identity, sizeof identity) && od_hashmap_get(inputs, identity, NULL))
        status = od_error_set(err, OD_ERR_ARG, "%s: is one of the given pictures, and its annotated copy would replace it; give another --output_dir", path);
    od_free(path);
    return status;
}

/* Somebody's originals must not be lost to --output_dir=the folder they are in. */
static od_status protect_inputs(const predictor *p, od_error *err)
{
    od_hashmap inputs = {0};
    char identity[64];
    od_status status = OD_OK;
    for (size_t i = 0; status == OD_OK && i < p->files.count; i++)
        if (file_identity(p->files.paths[i], identity, sizeof identity) && od_hashmap_set(&inputs, identity, 1)) status = od_error_nomem(err, "a list of files");
    for (size_t i = 0; status == OD_OK && i < p->files.count; i++) status = check_output(p, &inputs, i, err);
    od_hashmap_deinit(&inputs);
    return status;
}

static od_status find_pictures(predictor *p, od_error *err)
{
    static const char *const endings[] = {"jpg", "jpeg", "png", "bmp", "webp", NULL};
    for (int i = 0; i < p->o->input_count; i++) OD_TRY(od_file_list_add(&p->files, p->o->inputs[i], endings, err));
    if (!p->files.count) return od_error_set(err, OD_ERR_NOT_FOUND, "%s: no pictures (jpg, jpeg, png, bmp, webp) in this folder", p->o->inputs[0]);
    OD_TRY(od_file_list_names(&p->files, &p->names, err));
    return protect_inputs(p, err);
}

static void close_predictor(predictor *p)
{
    od_instance_free(p->inst);
    od_aligned_free(p->input);
    od_detections_deinit(&p->found);
    od_free(p->boxes);
    od_file_list_names_free(&p->files, p->names);
    od_file_list_deinit(&p->files);
    od_strbuf_deinit(&p->results);
    od_label_map_free(p->labels);
    od_operating_file_free(p->operating);
    od_free(p->thresholds);
    od_run_setup_deinit(&p->setup);
}

/* --- one picture ------------------------------------------------------------------------------------------------------------ */

static od_status prepare_instance(predictor *p, const od_preprocess_shape *shape, od_error *err)
{
    if (p->inst && p->height == shape->height && p->width == shape->width) return OD_OK;
    od_instance_free(p->inst);
    od_aligned_free(p->input);
    p->inst = NULL;
    p->input = od_aligned_malloc((size_t)shape->height * (size_t)shape->width * 3, sizeof *p->input);
    if (!p->input) return od_error_nomem(err, "the network's input");
    p->height = shape->height;
    p->width = shape->width;
    od_net_options options = {.threads = p->o->num_threads > 0 ? p->o->num_threads : omp_get_num_procs()};
    return od_instance_create(&p->inst, p->setup.model, OD_NET_INFER, 1, shape->height, shape->width, &options, err);
}

static od_status detect(predictor *p, const od_image *image, od_error *err)
{
    od_preprocess_shape shape;
    od_image_view view = od_image_view_of(image);
    OD_TRY(od_preprocess_find_shape(&p->setup.preprocess, image->height, image->width, &shape, err));
    OD_TRY(prepare_instance(p, &shape, err));
    OD_TRY(od_preprocess_run(&p->setup.preprocess, &view, shape.height, shape.width, p->input, err));
    int32_t true_shape[1][3] = {{shape.true_height, shape.true_width, 3}};
    od_instance_set_inputs(p->inst, (const int32_t(*)[3])true_shape, NULL);
    od_instance_forward(p->inst, p->input);
    return od_instance_detect(p->inst, (const int32_t(*)[3])true_shape, &p->found, err);
}

static od_status add_results(predictor *p, const char *stem, const od_image *image, od_error *err)
{
    for (int i = 0; i < p->found.count[0]; i++) {
        const float *b = p->found.boxes + 4 * i;
        double score = p->found.scores[i], y = (double)b[0] * image->height, x = (double)b[1] * image->width;
        if (p->o->min_score_thresh >= 0 && score < p->o->min_score_thresh) continue;
        od_strbuf_puts(&p->results, p->result_count++ ? ",\n{\"image_id\":" : "\n{\"image_id\":");
        od_json_append_string(&p->results, stem);
        od_strbuf_printf(&p->results, ",\"category_id\":%d,\"category_name\":", p->found.classes[i] + 1);
        od_json_append_string(&p->results, label_of(p, p->found.classes[i]));
        od_strbuf_printf(&p->results, ",\"bbox\":[%.9g,%.9g,%.9g,%.9g],\"score\":%.9g", x, y, (double)b[3] * image->width - x, (double)b[2] * image->height - y, score);
        if (calibrator_of(p))
            od_strbuf_printf(&p->results, ",\"probability\":%.9g", od_calibrator_apply(calibrator_of(p), label_of(p, p->found.classes[i]), score));
        if (p->found.keypoints)
            od_json_append_keypoints(&p->results, p->found.keypoints + (int64_t)i * 2 * p->found.num_keypoints, p->found.num_keypoints, NULL, image->height, image->width);
        if (p->found.masks) OD_TRY(od_json_append_detection_mask(&p->results, &p->found, 0, i, image->height, image->width, err));
        od_strbuf_puts(&p->results, "}");
    }
    return OD_OK;
}

static od_status write_picture(od_image *image, const od_draw_box *boxes, int count, const char *output, od_error *err)
{
    OD_TRY(od_image_draw_boxes(image, boxes, count, err));
    return od_image_save(image, output, err);
}

static void report(const predictor *p, od_predicted *picture, size_t index)
{
    picture->path = p->files.paths[index];
    picture->done = (int64_t)index + 1;
    picture->total = (int64_t)p->files.count;
    picture->seconds = now() - p->begun;
    if (p->o->progress) p->o->progress(p->o->progress_user, picture);
}

/* Those of at least the threshold, best first, into p->boxes; their scores calibrated. */
static od_status choose_boxes(predictor *p, int *count, od_error *err)
{
    if (p->box_capacity < p->found.max) {
        od_free(p->boxes);
        p->box_capacity = 0;
        p->boxes = od_calloc((size_t)p->found.max, sizeof *p->boxes);
        if (!p->boxes) return od_error_nomem(err, "boxes to draw");
        p->box_capacity = p->found.max;
    }
    int n = od_detections_to_draw(&p->found, 0, p->labels, p->lowest_threshold, p->found.max, p->boxes);
    *count = 0;
    for (int i = 0; i < n; i++)
        if ((double)p->boxes[i].score >= p->thresholds[p->boxes[i].class_index]) p->boxes[(*count)++] = p->boxes[i];
    for (int i = 0; calibrator_of(p) && i < *count; i++)
        p->boxes[i].score = (float)od_calibrator_apply(calibrator_of(p), label_of(p, p->boxes[i].class_index), p->boxes[i].score);
    return OD_OK;
}

static od_status finish_picture(predictor *p, size_t index, od_image *image, od_error *err)
{
    int n = 0;
    OD_TRY(choose_boxes(p, &n, err));
    OD_TRY(od_detections_draw_masks(image, &p->found, 0, p->lowest_threshold, p->thresholds, p->o->max_boxes, err));
    char *output = output_path(p, index);
    od_predicted picture = {.output_path = output, .width = image->width, .height = image->height, .count = n};
    if (n) picture.best_label = label_of(p, p->boxes[0].class_index), picture.best_score = (double)p->boxes[0].score;
    od_status status = output ? write_picture(image, p->boxes, n < p->o->max_boxes ? n : p->o->max_boxes, output, err) : od_error_nomem(err, "a picture's name");
    if (status == OD_OK) report(p, &picture, index);
    od_free(output);
    return status;
}

/* A picture that can't be read is told and passed over; other errors end the run. */
static od_status predict_one(predictor *p, size_t index, od_error *err)
{
    od_image image = {0};
    od_error problem = {0};
    od_status status = od_image_load(p->files.paths[index], &image, &problem);
    if (status == OD_ERR_NOMEM) {
        if (err) *err = problem;
        return status;
    }
    if (status != OD_OK) {
        od_predicted picture = {.problem = problem.message};
        report(p, &picture, index);
        return OD_OK;
    }
    status = detect(p, &image, err);
    if (status == OD_OK) {
        p->read++;
        status = add_results(p, p->names[index], &image, err);
        if (status == OD_OK) status = finish_picture(p, index, &image, err);
    }
    od_image_deinit(&image);
    return status;
}

static od_status write_results(const predictor *p, od_error *err)
{
    od_strbuf b = {0};
    od_strbuf_printf(&b, "[%s\n]\n", p->results.data ? p->results.data : "");
    char *path = od_path_join(p->o->output_dir, "detections.json");
    od_status status = !path || od_strbuf_failed(&b) || od_strbuf_failed(&p->results) ? od_error_nomem(err, "detections.json") : od_file_write_all(path, b.data, b.size, err);
    od_free(path);
    od_strbuf_deinit(&b);
    return status;
}

static od_status predict_all(predictor *p, od_error *err)
{
    OD_TRY(check_options(p->o, err));
    OD_TRY(open_config(p, err));
    OD_TRY(open_labels(p, err));
    OD_TRY(open_operating_point(p, err));
    OD_TRY(find_thresholds(p, err));
    OD_TRY(open_checkpoint(p, err));
    OD_TRY(find_pictures(p, err));
    OD_TRY(od_dir_create(p->o->output_dir, err));
    p->begun = now();
    for (size_t i = 0; i < p->files.count; i++) {
        if (p->o->stop && *p->o->stop) break;
        OD_TRY(predict_one(p, i, err));
    }
    OD_TRY(write_results(p, err));
    if (p->o->stop && *p->o->stop) return od_error_set(err, OD_ERR_INTERRUPTED, "stopped after %lld pictures", (long long)p->read);
    if (!p->read) return od_error_set(err, OD_ERR_FORMAT, "not one picture could be read");
    return OD_OK;
}

od_status od_predict_run(const od_predict_options *options, int64_t *predicted, od_error *err)
{
    predictor p = {.o = options};
    od_status status = predict_all(&p, err);
    if (predicted) *predicted = p.read;
    close_predictor(&p);
    return status;
}
