/* SPDX-License-Identifier: Apache-2.0 */
#include "events/event_picture.h"

#include "util/alloc.h"

od_status od_events_writer_pixels(od_events_writer *w, const char *tag, int64_t step, const od_image *images,
                                  size_t count, od_error *err)
{
    od_events_picture *pictures = od_calloc(count ? count : 1, sizeof *pictures);
    od_status status = pictures ? OD_OK : od_error_nomem(err, tag);
    for (size_t i = 0; i < count && status == OD_OK; i++) {
        uint8_t *bytes = NULL;
        if (images[i].width != images[0].width || images[i].height != images[0].height)
            status = od_error_set(err, OD_ERR_ARG,
                                  "%s: picture %zu is %dx%d and the first one %dx%d; one summary holds "
                                  "pictures of one size",
                                  tag, i, images[i].width, images[i].height, images[0].width, images[0].height);
        else
            status = od_image_encode_png(&images[i], &bytes, &pictures[i].size, err);
        pictures[i].bytes = bytes;
    }
    if (status == OD_OK && count)
        status = od_events_writer_images(w, tag, step, images[0].width, images[0].height, pictures, count, err);
    for (size_t i = 0; pictures && i < count; i++) od_free((void *)pictures[i].bytes);
    od_free(pictures);
    return status;
}
