/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/data_preview.h"

#include "config/keypoints.h"
#include "config/label_map.h"
#include "data/augment.h"
#include "data/dataset.h"
#include "data/label_words.h"
#include "data/sample_keypoints.h"
#include "data/sample_pixels.h"
#include "image/draw.h"
#include "image/draw_mask.h"
#include "report/base64.h"
#include "report/page_assets.h"
#include "report/pictures.h"
#include "report/widgets.h"
#include "util/alloc.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LONGEST = 300, QUALITY = 82, MAX_IMAGES = 50, MAX_DRAWS = 20, ALL_STEPS = -1 };

typedef struct preview {
    const od_data_preview_options *o;
    od_config *config;
    od_label_map *labels; /* the config's, or NULL: the data set's own */
    od_dataset *dataset;
    od_augmenter *augmenter;
    int keypoints; /* of an object that the model learns; 0: none */
    od_html html;
} preview;

od_data_preview_options od_data_preview_options_default(void)
{
    return (od_data_preview_options){.images = 3, .draws = 4};
}

/* --- input -------------------------------------------------------------------------------------------------------- */

static od_status open_dataset(preview *p, od_error *err)
{
    const ObjectDetection__Protos__InputReader *reader = od_config_proto(p->config)->train_input_reader;
    p->keypoints = od_config_keypoints(od_config_proto(p->config));
    const ObjectDetection__Protos__TFRecordInputReader *records = reader ? reader->tf_record_input_reader : NULL;
    const char *const *paths = records ? (const char *const *)records->input_path : NULL;
    int count = records ? (int)records->n_input_path : 0;
    if (p->o->input_path) paths = &p->o->input_path, count = 1;
    if (!count)
        return od_config_error(p->config, reader, NULL, err, OD_ERR_CONFIG,
                               "no pictures: the config has no train_input_reader { tf_record_input_reader { "
                               "input_path: ... } }; give --input_path");
    if (reader && reader->label_map_path && reader->label_map_path[0])
        OD_TRY(od_label_map_load(reader->label_map_path, &p->labels, err));
    OD_TRY(od_dataset_open(&p->dataset, paths, count,
                           &(od_dataset_options){.label_map = p->labels, .image_dir = p->o->image_dir, .masks = OD_MASKS_IF_ANY,
                                                 .keypoints = p->keypoints}, err));
    if (!od_dataset_size(p->dataset)) return od_error_set(err, OD_ERR_FORMAT, "%s: no picture in it", paths[0]);
    return od_dataset_label_map(p->dataset) ? OD_OK : od_dataset_infer_label_map(p->dataset, err);
}

static od_status open_all(preview *p, od_error *err)
{
    if (!p->o->pipeline_config_path || !p->o->output)
        return od_error_set(err, OD_ERR_ARG, "needs --pipeline_config_path and --output");
    if (p->o->images < 1 || p->o->images > MAX_IMAGES || p->o->draws < 1 || p->o->draws > MAX_DRAWS)
        return od_error_set(err, OD_ERR_ARG, "%d pictures and %d draws of each; expected 1 to %d and 1 to %d",
                            p->o->images, p->o->draws, MAX_IMAGES, MAX_DRAWS);
    OD_TRY(od_config_load(p->o->pipeline_config_path, &p->config, err));
    OD_TRY(od_augmenter_create(&p->augmenter, p->config, err));
    return open_dataset(p, err);
}

static void close_all(preview *p)
{
    od_augmenter_free(p->augmenter);
    od_dataset_free(p->dataset);
    od_label_map_free(p->labels);
    od_config_free(p->config);
    od_strbuf_deinit(&p->html.out);
}

/* --- pictures ----------------------------------------------------------------------------------------------------- */

static od_status draw_boxes(const preview *p, const od_sample *sample, od_image *image, od_error *err)
{
    od_draw_box *boxes = od_malloc((size_t)sample->object_count, sizeof *boxes);
    if (!boxes) return od_error_nomem(err, "boxes");
    for (int i = 0; i < sample->object_count; i++) {
        const od_object *o = &sample->objects[i];
        boxes[i] = (od_draw_box){.label = od_label_map_name(od_dataset_label_map(p->dataset), o->label),
                                 .score = -1,
                                 .class_index = o->label - 1,
                                 .keypoints = o->keypoints,
                                 .keypoint_count = o->keypoints ? o->keypoint_count : 0};
        memcpy(boxes[i].box, o->box, sizeof o->box);
    }
    od_status status = od_image_draw_boxes(image, boxes, sample->object_count, err);
    od_free(boxes);
    return status;
}

static od_status draw_masks(const od_sample *sample, od_image *image, od_error *err)
{
    if (!sample->map.rows) return OD_OK;
    uint8_t *pixels = od_malloc((size_t)image->height * (size_t)image->width, 1);
    od_status status = pixels ? OD_OK : od_error_nomem(err, "a mask");
    for (int i = 0; i < sample->object_count && status == OD_OK; i++) {
        if (!sample->objects[i].mask) continue;
        status = od_pixel_map_render(&sample->map, sample->objects[i].mask, pixels, err);
        if (status == OD_OK) od_image_draw_mask(image, pixels, sample->objects[i].label - 1);
    }
    od_free(pixels);
    return status;
}

/* Follows the pixels when there are masks to draw. */
static od_status follow_masks(const od_example *e, const od_image *image, od_sample *sample, od_error *err)
{
    for (int i = 0; i < e->object_count; i++)
        if (e->objects[i].mask) return od_pixel_map_init(&sample->map, image->height, image->width, image->height, image->width, err);
    return OD_OK;
}

/* The sample as a picture with its boxes, small enough for a page. */
static od_status put_picture(preview *p, od_sample *sample, const char *name, od_error *err)
{
    float *pixels;
    uint8_t *bytes = NULL;
    size_t size = 0;
    od_image image = {0};
    OD_TRY(od_sample_own_pixels(sample, &pixels, err));
    int width = sample->view.width, height = sample->view.height;
    OD_TRY(od_image_init(&image, width, height, err));
    for (int64_t i = 0; i < 3 * (int64_t)width * height; i++)
        image.pixels[i] = (uint8_t)(fminf(fmaxf(pixels[i], 0.0f), 255.0f) + .5f);
    od_status status = draw_masks(sample, &image, err);
    if (status == OD_OK) status = draw_boxes(p, sample, &image, err);
    if (status == OD_OK)
        status =
            od_picture_encode(&image, &(od_picture_part){0, 0, width, height}, LONGEST, QUALITY, &bytes, &size, err);
    if (status == OD_OK) {
        od_html_printf(&p->html, "<figure class=\"shot\"><img alt=\"%s, %d boxes\" src=\"data:image/jpeg;base64,", name,
                       sample->object_count);
        od_base64_append(&p->html.out, bytes, size);
        od_html_printf(&p->html, "\"><figcaption>%s<br>%d x %d, %d box%s</figcaption></figure>\n", name, width, height,
                       sample->object_count, sample->object_count == 1 ? "" : "es");
    }
    od_free(bytes);
    od_image_deinit(&image);
    return status;
}

/* One result of step `step` (ALL_STEPS: of all in order), or the picture as it is when rng is NULL. */
static od_status put_result(preview *p, const od_image *image, const od_example *e, int step, od_rng *rng,
                            const char *name, od_error *err)
{
    od_object *objects = od_malloc((size_t)e->object_count, sizeof *objects);
    if (!objects) return od_error_nomem(err, "boxes");
    for (int i = 0; i < e->object_count; i++) objects[i] = e->objects[i];
    od_sample sample = {.view = od_image_view_of(image), .objects = objects, .object_count = e->object_count};
    od_status status = follow_masks(e, image, &sample, err);
    if (status == OD_OK && p->keypoints) status = od_sample_own_keypoints(&sample, p->keypoints, err);
    if (status == OD_OK && rng && step == ALL_STEPS) status = od_augmenter_apply(p->augmenter, &sample, rng, err);
    if (status == OD_OK && rng && step != ALL_STEPS) status = od_augmenter_apply_one(p->augmenter, step, &sample, rng, err);
    if (status == OD_OK) status = put_picture(p, &sample, name, err);
    od_sample_deinit(&sample);
    od_free(objects);
    return status;
}

static od_status put_row(preview *p, int64_t index, int step, od_error *err)
{
    od_example e = {0};
    od_image image = {0};
    od_status status = od_dataset_read(p->dataset, index, &e, err);
    if (status == OD_OK && !e.encoded)
        status =
            od_error_set(err, OD_ERR_NOT_FOUND, "%s: no picture in its record", e.filename ? e.filename : "an example");
    if (status == OD_OK) status = od_image_decode(e.encoded, e.encoded_size, &image, err);
    od_html_puts(&p->html, "<div class=\"shots\">\n");
    if (status == OD_OK)
        status = put_result(p, &image, &e, step, NULL,
                            e.filename && e.filename[0] ? od_path_base(e.filename) : "picture", err);
    for (int i = 0; i < p->o->draws && status == OD_OK; i++) {
        char name[32];
        od_rng rng;
        od_rng_init(&rng, p->o->seed + (uint64_t)step + 2, (uint64_t)(index * MAX_DRAWS + i));
        snprintf(name, sizeof name, "draw %d", i + 1);
        status = put_result(p, &image, &e, step, &rng, name, err);
    }
    od_html_puts(&p->html, "</div>\n");
    od_image_deinit(&image);
    od_example_deinit(&e);
    return status;
}

static od_status put_rows(preview *p, int step, od_error *err)
{
    int64_t size = od_dataset_size(p->dataset), count = p->o->images < size ? p->o->images : size;
    for (int64_t i = 0; i < count; i++) OD_TRY(put_row(p, i * size / count, step, err));
    return OD_OK;
}

/* --- warnings ----------------------------------------------------------------------------------------------------- */

static int falsified_by(const char *step)
{
    if (!strcmp(step, "random_horizontal_flip")) return OD_DATA_FLIP_HORIZONTAL;
    if (!strcmp(step, "random_vertical_flip")) return OD_DATA_FLIP_VERTICAL;
    return !strcmp(step, "random_rotation90") ? OD_DATA_FLIP_ROTATION : 0;
}

/* Names the classes that this step makes wrong: "left lung" mirrored is a right lung with the old label. */
static od_status put_warning(preview *p, const char *step, od_error *err)
{
    const od_label_map *map = od_dataset_label_map(p->dataset);
    int bit = falsified_by(step), count = od_label_map_count(map);
    if (!bit) return OD_OK;
    const char **names = od_malloc((size_t)count, sizeof *names);
    int *sensitive = od_calloc((size_t)count, sizeof *sensitive);
    od_strbuf text = {0};
    if (names && sensitive) {
        for (int i = 0; i < count; i++) names[i] = od_label_map_name(map, od_label_map_id(map, i));
        od_label_words_judge(names, count, sensitive);
        for (int i = 0; i < count; i++)
            if (sensitive[i] & bit) {
                od_strbuf_puts(
                    &text,
                    text.size ? ", " : "Falsifies labels: after it the boxes of these classes show another class: ");
                od_strbuf_puts(&text, names[i]);
            }
        if (text.size) {
            od_strbuf_puts(&text, ". Remove this step from the config.");
            od_html_note(&p->html, OD_VERDICT_PROBLEM, text.data);
        }
    }
    int failed = !names || !sensitive || od_strbuf_failed(&text);
    od_strbuf_deinit(&text);
    od_free(names);
    od_free(sensitive);
    return failed ? od_error_nomem(err, "class names") : OD_OK;
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static void put_head(preview *p)
{
    od_html *h = &p->html;
    od_html_printf(h,
                   "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta "
                   "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                   "img-src data:; style-src 'unsafe-inline'\">\n<meta name=\"viewport\" content=\"width=device-width, "
                   "initial-scale=1\">\n"
                   "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Augmentations of %s</title>\n<style>\n",
                   od_path_base(p->o->pipeline_config_path));
    od_html_puts(h, od_page_css);
    od_html_puts(h, "main{padding:0 16px}.shots{display:flex;flex-wrap:wrap;gap:10px;margin:10px "
                    "0}.shot{margin:0;max-width:220px}.shot img{max-width:100%;display:block;border-radius:4px}"
                    ".shot figcaption{font-size:12px}.shots .shot:first-child{padding-right:10px;border-right:2px "
                    "solid currentColor}\n</style>\n</head>\n<body>\n");
    od_html_printf(h,
                   "<header class=\"top\"><div><p class=\"eyebrow\">Augmentation preview</p>\n<h1>%s</h1>\n<p "
                   "class=\"sub\">Left: the picture as it is. Right of the line: "
                   "what training would see, each a random draw.</p></div></header>\n<main>\n",
                   p->o->pipeline_config_path);
}

static od_status put_step(preview *p, int step, od_error *err)
{
    char id[32], title[160];
    const char *name = step == ALL_STEPS ? "the whole pipeline" : od_augmenter_name(p->augmenter, step);
    snprintf(id, sizeof id, "step%d", step + 1);
    if (step == ALL_STEPS)
        snprintf(title, sizeof title, "All, in the order of the config");
    else
        snprintf(title, sizeof title, "%d. %s", step + 1, name);
    od_html_section_begin(&p->html, id, title);
    if (step != ALL_STEPS) OD_TRY(put_warning(p, name, err));
    OD_TRY(put_rows(p, step, err));
    od_html_section_end(&p->html);
    return OD_OK;
}

static od_status put_page(preview *p, od_error *err)
{
    int count = od_augmenter_count(p->augmenter);
    put_head(p);
    if (!count)
        od_html_note(&p->html, OD_VERDICT_TOLD,
                     "The config has no data_augmentation_options: training sees every picture as it is.");
    if (count) OD_TRY(put_step(p, ALL_STEPS, err));
    for (int i = 0; i < count; i++) OD_TRY(put_step(p, i, err));
    if (!count) OD_TRY(put_rows(p, ALL_STEPS, err));
    od_html_puts(
        &p->html,
        "<footer>This file is complete: it loads nothing from anywhere.</footer>\n</main>\n</body>\n</html>\n");
    return od_strbuf_failed(&p->html.out) ? od_error_nomem(err, p->o->output)
                                          : od_file_write_all(p->o->output, p->html.out.data, p->html.out.size, err);
}

od_status od_data_preview(const od_data_preview_options *options, od_error *err)
{
    preview p = {.o = options};
    od_status status = open_all(&p, err);
    if (status == OD_OK) status = put_page(&p, err);
    close_all(&p);
    return status;
}
