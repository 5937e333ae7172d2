/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/predict.h"

#include "checkpoint/model_dir.h"
#include "image/draw.h"
#include "train/detections_file.h"
#include "train/eval_pictures.h"
#include "train/run_setup.h"
#include "train/variables_io.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/file_list.h"
#include "util/hashmap.h"

#include <omp.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DRAWN = 200 };

od_predict_options od_predict_options_default(void)
{
    return (od_predict_options){.min_score_thresh = -1, .output_dir = "predictions", .max_boxes = 20};
}

typedef struct predictor {
    const od_predict_options *o;
    od_run_setup setup;
    od_label_map *labels;
    od_instance *inst;
    int height, width;
    float *input;
    od_detections found;
    od_file_list files;
    od_hashmap stems;   /* file stems so far -> how many */
    od_strbuf results;  /* entries of detections.json */
    int64_t result_count, read;
} predictor;

/* --- opening ------------------------------------------------------------------------------------------------------------- */

static od_status open_config(predictor *p, od_error *err)
{
    if (!p->o->model_dir) return od_error_set(err, OD_ERR_ARG, "no model: give --model_dir");
    char *path = p->o->pipeline_config_path ? od_strdup(p->o->pipeline_config_path) : od_path_join(p->o->model_dir, "pipeline.config");
    if (!path) return od_error_nomem(err, "the config");
    od_status status = od_run_setup_init(&p->setup, path, OD_USE_PREDICT, err);
    od_free(path);
    return status;
}

static od_status open_checkpoint(predictor *p, od_error *err)
{
    int64_t step;
    if (p->o->checkpoint) return od_variables_restore(p->o->checkpoint, p->setup.model, 0, &step, err);
    od_model_dir *dir;
    OD_TRY(od_model_dir_open(&dir, p->o->model_dir, err));
    const char *newest = od_model_dir_newest(dir);
    od_status status = newest ? od_variables_restore(newest, p->setup.model, 0, &step, err)
                              : od_error_set(err, OD_ERR_NOT_FOUND, "%s: no checkpoint (ckpt-N.index) in this folder or its checkpoint/; train first or give --checkpoint",
                                             p->o->model_dir);
    od_model_dir_close(dir);
    return status;
}

/* Names are wanted, not needed: only a map that was asked for must exist. */
static od_status open_labels(predictor *p, od_error *err)
{
    if (p->o->label_map_path) return od_label_map_load(p->o->label_map_path, &p->labels, err);
    char *own = od_path_join(p->o->model_dir, "label_map.pbtxt");
    const ObjectDetection__Protos__TrainEvalPipelineConfig *c = p->setup.proto;
    const char *readers[] = {own, c->train_input_reader ? c->train_input_reader->label_map_path : NULL,
                             c->n_eval_input_reader ? c->eval_input_reader[0]->label_map_path : NULL};
    od_status status = own ? OD_OK : od_error_nomem(err, "label map");
    for (int i = 0; i < 3 && status == OD_OK && !p->labels; i++)
        if (readers[i] && readers[i][0] && od_path_exists(readers[i])) status = od_label_map_load(readers[i], &p->labels, err);
    od_free(own);
    return status;
}

static od_status find_pictures(predictor *p, od_error *err)
{
    static const char *const endings[] = {"jpg", "jpeg", "png", "bmp", "webp", NULL};
    if (p->o->input_count < 1) return od_error_set(err, OD_ERR_ARG, "no pictures: give files or folders");
    for (int i = 0; i < p->o->input_count; i++) OD_TRY(od_file_list_add(&p->files, p->o->inputs[i], endings, err));
    if (p->files.count) return OD_OK;
    return od_error_set(err, OD_ERR_NOT_FOUND, "%s: no pictures (jpg, jpeg, png, bmp, webp) in it", p->o->inputs[0]);
}

static void close_predictor(predictor *p)
{
    od_instance_free(p->inst);
    od_aligned_free(p->input);
    od_detections_deinit(&p->found);
    od_file_list_deinit(&p->files);
    od_hashmap_deinit(&p->stems);
    od_strbuf_deinit(&p->results);
    od_label_map_free(p->labels);
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
    od_instance_forward(p->inst, p->input);
    return od_instance_detect(p->inst, (const int32_t(*)[3])true_shape, &p->found, err);
}

static const char *label_of(const predictor *p, int class_index)
{
    return p->labels ? od_label_map_name(p->labels, class_index + 1) : NULL;
}

static void add_results(predictor *p, const char *stem, const od_image *image)
{
    for (int i = 0; i < p->found.count[0]; i++) {
        const float *b = p->found.boxes + 4 * i;
        double score = p->found.scores[i], y = (double)b[0] * image->height, x = (double)b[1] * image->width;
        if (p->o->min_score_thresh >= 0 && score < p->o->min_score_thresh) continue;
        od_strbuf_puts(&p->results, p->result_count++ ? ",\n{\"image_id\":" : "\n{\"image_id\":");
        od_json_append_string(&p->results, stem);
        od_strbuf_printf(&p->results, ",\"category_id\":%d,", p->found.classes[i] + 1);
        if (label_of(p, p->found.classes[i])) {
            od_strbuf_puts(&p->results, "\"category_name\":");
            od_json_append_string(&p->results, label_of(p, p->found.classes[i]));
            od_strbuf_puts(&p->results, ",");
        }
        od_strbuf_printf(&p->results, "\"bbox\":[%.9g,%.9g,%.9g,%.9g],\"score\":%.9g}", x, y, (double)b[3] * image->width - x, (double)b[2] * image->height - y, score);
    }
}

/* The file's name without folder and ending; a name seen before gets a number, so that nothing is overwritten. */
static char *unique_stem(predictor *p, const char *path)
{
    const char *base = od_path_base(path), *dot = strrchr(base, '.');
    char *stem = dot && dot != base ? od_strndup(base, (size_t)(dot - base)) : od_strdup(base);
    int64_t seen = 0;
    if (!stem) return NULL;
    od_hashmap_get(&p->stems, stem, &seen);
    if (od_hashmap_set(&p->stems, stem, seen + 1)) {
        od_free(stem);
        return NULL;
    }
    if (!seen) return stem;
    char *numbered = od_asprintf("%s_%lld", stem, (long long)seen + 1);
    od_free(stem);
    return numbered;
}

static od_status write_picture(od_image *image, const od_draw_box *boxes, int count, const char *output, od_error *err)
{
    OD_TRY(od_image_draw_boxes(image, boxes, count, err));
    return od_image_save(image, output, err);
}

static int is_jpeg(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (dot[1] == 'j' || dot[1] == 'J');
}

static void report(const predictor *p, od_predicted *picture, size_t index)
{
    picture->path = p->files.paths[index];
    picture->done = (int64_t)index + 1;
    picture->total = (int64_t)p->files.count;
    if (p->o->progress) p->o->progress(p->o->progress_user, picture);
}

static od_status finish_picture(predictor *p, size_t index, od_image *image, const char *stem, od_error *err)
{
    od_draw_box boxes[MAX_DRAWN];
    double threshold = p->o->min_score_thresh >= 0 ? p->o->min_score_thresh : .5;
    int n = od_detections_to_draw(&p->found, 0, p->labels, threshold, p->o->max_boxes < MAX_DRAWN ? p->o->max_boxes : MAX_DRAWN, boxes);
    char *name = od_asprintf("%s.%s", stem, is_jpeg(p->files.paths[index]) ? "jpg" : "png"), *output = name ? od_path_join(p->o->output_dir, name) : NULL;
    od_predicted picture = {.output_path = output, .width = image->width, .height = image->height, .count = n};
    if (n) picture.best_label = boxes[0].label, picture.best_score = (double)boxes[0].score;
    od_status status = output ? write_picture(image, boxes, n, output, err) : od_error_nomem(err, "a picture's name");
    if (status == OD_OK) report(p, &picture, index);
    od_free(name);
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
    char *stem = unique_stem(p, p->files.paths[index]);
    status = stem ? detect(p, &image, err) : od_error_nomem(err, "a picture's name");
    if (status == OD_OK) {
        add_results(p, stem, &image);
        status = finish_picture(p, index, &image, stem, err);
        p->read++;
    }
    od_free(stem);
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
    OD_TRY(open_config(p, err));
    OD_TRY(open_checkpoint(p, err));
    OD_TRY(open_labels(p, err));
    OD_TRY(find_pictures(p, err));
    OD_TRY(od_dir_create(p->o->output_dir, err));
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
