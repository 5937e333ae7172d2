/* SPDX-License-Identifier: Apache-2.0 */
#include "report/pictures.h"

#include "config/config.h"
#include "data/dataset.h"
#include "data/image_file.h"
#include "image/resize.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/hashmap.h"

#include <math.h>
#include <string.h>

struct od_pictures {
    od_picture_places places;
    char *dir;            /* of the annotations */
    od_dataset *dataset;  /* the config's evaluation data, once it was needed */
    int dataset_tried;
    od_hashmap index;     /* name -> example; -1 for two of one name */
};

od_pictures *od_pictures_open(const od_picture_places *places)
{
    od_pictures *p = od_calloc(1, sizeof *p);
    if (!p) return NULL;
    p->places = *places;
    p->dir = od_path_dir(places->annotations);
    if (p->dir) return p;
    od_free(p);
    return NULL;
}

void od_pictures_close(od_pictures *p)
{
    if (!p) return;
    od_dataset_free(p->dataset);
    od_hashmap_deinit(&p->index);
    od_free(p->dir);
    od_free(p);
}

static void index_name(od_pictures *p, const char *name, int64_t i)
{
    int64_t other;
    if (!name || !name[0]) return;
    if (od_hashmap_get(&p->index, name, &other) && other != i) i = -1;
    od_hashmap_set(&p->index, name, i); /* out of memory: that picture is not found */
}

static void index_dataset(od_pictures *p)
{
    for (int64_t i = 0; i < od_dataset_size(p->dataset); i++) {
        od_example e = {0};
        if (od_dataset_read_annotations(p->dataset, i, &e, NULL) == OD_OK) {
            index_name(p, e.filename, i);
            if (e.source_id && (!e.filename || strcmp(e.source_id, e.filename))) index_name(p, e.source_id, i);
        }
        od_example_deinit(&e);
    }
}

/* The config's first evaluation reader, if its files are there. */
static void open_dataset(od_pictures *p)
{
    od_config *config;
    p->dataset_tried = 1;
    if (!p->places.config_path || od_config_load(p->places.config_path, &config, NULL) != OD_OK) return;
    const ObjectDetection__Protos__TrainEvalPipelineConfig *proto = od_config_proto(config);
    const ObjectDetection__Protos__InputReader *reader = proto->n_eval_input_reader ? proto->eval_input_reader[0] : NULL;
    if (reader && reader->tf_record_input_reader && reader->tf_record_input_reader->n_input_path) {
        const od_dataset_options options = {.image_dir = p->places.image_dir};
        if (od_dataset_open(&p->dataset, (const char *const *)reader->tf_record_input_reader->input_path, (int)reader->tf_record_input_reader->n_input_path, &options, NULL) == OD_OK)
            index_dataset(p);
        else
            p->dataset = NULL;
    }
    od_config_free(config);
}

static od_status load_from_dataset(od_pictures *p, const char *name, od_image *out, od_error *err)
{
    int64_t i;
    if (!p->dataset_tried) open_dataset(p);
    if (!p->dataset || !od_hashmap_get(&p->index, name, &i) || i < 0) return od_error_set(err, OD_ERR_NOT_FOUND, "%s: no such picture", name);
    od_example e = {0};
    od_status status = od_dataset_read(p->dataset, i, &e, err);
    if (status == OD_OK) status = e.encoded ? od_image_decode(e.encoded, e.encoded_size, out, err) : od_error_set(err, OD_ERR_NOT_FOUND, "%s: no picture in its record", name);
    od_example_deinit(&e);
    return status;
}

od_status od_pictures_load(od_pictures *p, const char *name, od_image *out, od_error *err)
{
    char *path;
    od_error first = {0};
    if (od_image_file_find(&path, p->dir, p->places.image_dir, name, &first) == OD_OK) {
        od_status status = od_image_load(path, out, err);
        od_free(path);
        return status;
    }
    od_status status = load_from_dataset(p, name, out, err);
    if (status == OD_ERR_NOT_FOUND && err) *err = first; /* names the folders that were looked in */
    return status;
}

static od_status shrink(const od_image *image, const od_picture_part *part, double scale, od_image *out, od_error *err)
{
    od_image_view view = od_image_view_of(image);
    view = od_image_view_crop(view, part->y, part->x, part->height, part->width);
    const od_resize_params params = {.method = scale < 1 ? OD_RESIZE_AREA : OD_RESIZE_BILINEAR, .width = (int)fmax(1, round(part->width * scale)), .height = (int)fmax(1, round(part->height * scale))};
    OD_TRY(od_image_init(out, params.width, params.height, err));
    size_t n = (size_t)params.width * (size_t)params.height * 3;
    float *pixels = od_malloc(n, sizeof *pixels);
    od_status status = pixels ? od_image_resize(&view, &params, pixels, (ptrdiff_t)params.width * 3, err) : od_error_nomem(err, "a picture");
    for (size_t i = 0; status == OD_OK && i < n; i++) out->pixels[i] = (uint8_t)(fminf(fmaxf(pixels[i], 0), 255) + .5f);
    od_free(pixels);
    if (status != OD_OK) od_image_deinit(out);
    return status;
}

od_status od_picture_encode(const od_image *image, const od_picture_part *part, int longest, int quality, uint8_t **bytes, size_t *size, od_error *err)
{
    od_image small = {0};
    int side = part->width > part->height ? part->width : part->height;
    OD_TRY(shrink(image, part, side > longest ? (double)longest / side : 1, &small, err));
    od_status status = od_image_encode_jpeg(&small, quality, bytes, size, err);
    od_image_deinit(&small);
    return status;
}
