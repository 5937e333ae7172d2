/* SPDX-License-Identifier: Apache-2.0 */
#include "data/tf_example_masks.h"

#include "image/image.h"
#include "util/alloc.h"

#include <string.h>

static const char key[] = "image/object/mask";

/* Any colour but black is inside. */
static od_status mask_of_png(const ProtobufCBinaryData *png, od_mask **out, od_error *err)
{
    od_image image = {0};
    od_status status = od_image_decode(png->data, png->len, &image, err);
    if (status != OD_OK) return status;
    uint8_t *bits = image.pixels;
    for (int64_t i = 0; i < (int64_t)image.width * image.height; i++) bits[i] = (image.pixels[3 * i] | image.pixels[3 * i + 1] | image.pixels[3 * i + 2]) != 0;
    status = od_mask_from_pixels(out, image.height, image.width, bits, image.width, 1, err);
    od_image_deinit(&image);
    return status;
}

static od_status keep(od_example *e, int object, od_mask *mask, od_error *err)
{
    e->objects[object].mask = od_example_keep_mask(e, mask);
    return e->objects[object].mask ? OD_OK : od_error_nomem(err, "masks");
}

static od_status same_size(const od_example *e, int object, od_error *err)
{
    const od_mask *a = e->objects[0].mask, *b = e->objects[object].mask;
    if (a->height == b->height && a->width == b->width) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT, "%s: mask %d has %d x %d pixels, mask 0 %d x %d; expected one size", key, object, b->width, b->height, a->width,
                        a->height);
}

static od_status take_pngs(const Tensorflow__BytesList *list, od_example *e, od_error *err)
{
    if ((int64_t)list->n_value != e->object_count)
        return od_error_set(err, OD_ERR_FORMAT, "%s has %zu values for %d boxes", key, list->n_value, e->object_count);
    for (int i = 0; i < e->object_count; i++) {
        od_mask *mask = NULL;
        od_status status = mask_of_png(&list->value[i], &mask, err);
        if (status != OD_OK && status != OD_ERR_NOMEM) od_error_prefix(err, "%s %d", key, i);
        OD_TRY(status);
        OD_TRY(keep(e, i, mask, err));
        OD_TRY(same_size(e, i, err));
    }
    return OD_OK;
}

static od_status take_numbers(const Tensorflow__FloatList *list, od_example *e, od_error *err)
{
    int64_t pixels = (int64_t)e->width * e->height;
    if (pixels < 1 || pixels > OD_IMAGE_MAX_PIXELS || list->n_value / (size_t)pixels != (size_t)e->object_count || list->n_value % (size_t)pixels)
        return od_error_set(err, OD_ERR_FORMAT, "%s has %zu values; expected image/height x image/width = %d x %d for each of %d boxes", key, list->n_value,
                            e->height, e->width, e->object_count);
    uint8_t *bits = od_malloc((size_t)pixels, 1);
    if (!bits) return od_error_nomem(err, "masks");
    od_status status = OD_OK;
    for (int i = 0; i < e->object_count && status == OD_OK; i++) {
        const float *from = list->value + (size_t)i * (size_t)pixels;
        od_mask *mask = NULL;
        for (int64_t k = 0; k < pixels; k++) bits[k] = from[k] > 0;
        status = od_mask_from_pixels(&mask, e->height, e->width, bits, e->width, 1, err);
        if (status == OD_OK) status = keep(e, i, mask, err);
    }
    od_free(bits);
    return status;
}

static od_status missing(od_mask_loading loading, const od_example *e, od_error *err)
{
    if (loading == OD_MASKS_IF_ANY || !e->object_count) return OD_OK;
    return od_error_set(err, OD_ERR_CONFIG, "has boxes but no %s, which load_instance_masks asks for", key);
}

/* Where masks are welcome but not asked for, bad ones are no reason to lose the image. */
static od_status judge(od_status status, const od_error *problem, od_mask_loading loading, od_example *e, od_error *err)
{
    if (status == OD_OK) return OD_OK;
    if (status != OD_ERR_FORMAT || loading != OD_MASKS_IF_ANY) return od_error_set(err, status, "%s", problem->message);
    for (int i = 0; i < e->object_count; i++) e->objects[i].mask = NULL;
    od_log(OD_LOG_WARNING, "%s: %s; the masks are left out, the boxes stay", e->filename && e->filename[0] ? e->filename : "a record", problem->message);
    return OD_OK;
}

od_status od_tf_example_take_masks(const Tensorflow__Feature *f, od_mask_loading loading, od_example *out, od_error *err)
{
    if (loading == OD_MASKS_NONE) return OD_OK;
    int png = f && f->kind_case == TENSORFLOW__FEATURE__KIND_BYTES_LIST, numbers = f && f->kind_case == TENSORFLOW__FEATURE__KIND_FLOAT_LIST;
    if (png && loading == OD_MASKS_NUMERICAL)
        return od_error_set(err, OD_ERR_CONFIG, "%s holds PNGs; set mask_type: PNG_MASKS in the input reader", key);
    if (numbers && loading == OD_MASKS_PNG)
        return od_error_set(err, OD_ERR_CONFIG, "%s holds numbers; set mask_type: NUMERICAL_MASKS in the input reader", key);
    od_error problem = {0};
    if (png && f->bytes_list && f->bytes_list->n_value) return judge(take_pngs(f->bytes_list, out, &problem), &problem, loading, out, err);
    if (numbers && f->float_list && f->float_list->n_value) return judge(take_numbers(f->float_list, out, &problem), &problem, loading, out, err);
    return missing(loading, out, err);
}

/* The size of the example's masks; 0 without any. */
static int mask_size(const od_example *e, int *height, int *width)
{
    for (int i = 0; i < e->object_count; i++)
        if (e->objects[i].mask) {
            *height = e->objects[i].mask->height;
            *width = e->objects[i].mask->width;
            return 1;
        }
    return 0;
}

/* Scratch: the mask by columns, then by rows. */
static od_status encode(const od_mask *mask, int height, int width, uint8_t *scratch, ProtobufCBinaryData *out, od_error *err)
{
    size_t pixels = (size_t)height * (size_t)width;
    uint8_t *rows = scratch + pixels;
    memset(scratch, 0, pixels);
    if (mask) od_mask_to_columns(mask, scratch);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) rows[(size_t)y * (size_t)width + (size_t)x] = scratch[(size_t)x * (size_t)height + (size_t)y];
    return od_image_encode_png_gray(rows, height, width, &out->data, &out->len, err);
}

od_status od_tf_example_encode_masks(const od_example *e, od_tf_example_pngs *out, od_error *err)
{
    int height, width;
    if (!mask_size(e, &height, &width)) return OD_OK;
    uint8_t *scratch = od_malloc((size_t)height * (size_t)width, 2);
    out->items = od_calloc((size_t)e->object_count, sizeof *out->items);
    od_status status = scratch && out->items ? OD_OK : od_error_nomem(err, "masks");
    for (int i = 0; i < e->object_count && status == OD_OK; i++) {
        status = encode(e->objects[i].mask, height, width, scratch, &out->items[i], err);
        if (status == OD_OK) out->count++;
    }
    od_free(scratch);
    return status;
}

void od_tf_example_free_pngs(od_tf_example_pngs *pngs)
{
    for (size_t i = 0; i < pngs->count; i++) od_free(pngs->items[i].data);
    od_free(pngs->items);
    *pngs = (od_tf_example_pngs){0};
}
