/* SPDX-License-Identifier: Apache-2.0
 *
 * Pictures from pixels into an event file: encodes PNGs and hands them to the writer.
 */
#ifndef OD_EVENTS_EVENT_PICTURE_H
#define OD_EVENTS_EVENT_PICTURE_H

#include "events/event_writer.h"
#include "image/image.h"

/* `count` RGB images of one size (the first one's; OD_ERR_ARG otherwise) under one tag, as tf.summary.image. */
od_status od_events_writer_pixels(od_events_writer *w, const char *tag, int64_t step, const od_image *images,
                                  size_t count, od_error *err);

#endif
