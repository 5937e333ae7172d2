/* SPDX-License-Identifier: Apache-2.0
 *
 * A drawing of a network as self-contained SVG: boxes in rows by their depth and in columns by the height of their output, lines
 * from a box to those that read it. Colours follow light and dark.
 */
#ifndef OD_REPORT_SVG_NETWORK_H
#define OD_REPORT_SVG_NETWORK_H

#include "util/error.h"
#include "util/strbuf.h"

#include <stddef.h>
#include <stdint.h>

typedef struct od_network_box {
    const char *text;   /* in the box */
    const char *title;  /* shown under the pointer */
    int group;          /* of the network's `groups`, for the colour */
    int64_t height;     /* of the output: boxes of one height share a column, the largest left; 0: a column without a name */
    const int *in;      /* [in_count] earlier boxes */
    int in_count;
} od_network_box;

typedef struct od_network_drawing {
    const char *title;
    const od_network_box *boxes;
    size_t count;
    const char *const *groups; /* at most 4 names, for the legend */
    int group_count;
} od_network_drawing;

/* Appends the <svg> element. OD_ERR_NOMEM. */
od_status od_network_svg(const od_network_drawing *drawing, od_strbuf *out, od_error *err);

#endif
