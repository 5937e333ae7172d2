/* SPDX-License-Identifier: Apache-2.0
 *
 * The roofline of one instruction set: each measured kernel's GFLOP/s over its operations a byte (of what must be read
 * and written at least once), below the lesser of the arithmetic peak and what a memory level delivers.
 */
#ifndef OD_BENCH_ROOFLINE_H
#define OD_BENCH_ROOFLINE_H

#include "report/svg_chart.h"
#include "util/file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROOFLINE_GROUPS = 4, ROOFLINE_POINTS = 400, ROOF_POINTS = 65 };

static const struct {
    const char *name, *prefix; /* the first whose prefix fits takes a kernel */
} roofline_groups[ROOFLINE_GROUPS] = {{"weight gradients", "gemm_tn"},
                                      {"products", "gemm"},
                                      {"depthwise gradients", "dw_row_grad"},
                                      {"depthwise", "dw_row"}};

typedef struct roofline {
    double x[ROOFLINE_GROUPS][ROOFLINE_POINTS], y[ROOFLINE_GROUPS][ROOFLINE_POINTS];
    size_t count[ROOFLINE_GROUPS];
} roofline;

/* A gap after each point: no line joins them. */
static void roofline_add(roofline *r, const char *kernel, double flops, double bytes, double seconds)
{
    int g = 0;
    while (g < ROOFLINE_GROUPS && strncmp(kernel, roofline_groups[g].prefix, strlen(roofline_groups[g].prefix)) != 0)
        g++;
    if (g == ROOFLINE_GROUPS || r->count[g] + 2 > ROOFLINE_POINTS) return;
    r->x[g][r->count[g]] = flops / bytes, r->y[g][r->count[g]++] = 1e-9 * flops / seconds;
    r->x[g][r->count[g]] = r->y[g][r->count[g]] = NAN, r->count[g]++;
}

/* peak: operations a second. Bytes a second from the second-level cache and from memory. */
static od_status roofline_draw(const roofline *r, const char *isa, double peak, double cache, double memory,
                               const char *path, od_error *err)
{
    double x[ROOF_POINTS], by_cache[ROOF_POINTS], by_memory[ROOF_POINTS];
    od_chart_series series[ROOFLINE_GROUPS + 2];
    char title[128];
    od_strbuf svg = {0};
    for (int i = 0; i < ROOF_POINTS; i++) {
        x[i] = .25 * pow(2, i / 8.0);
        by_cache[i] = 1e-9 * fmin(peak, cache * x[i]);
        by_memory[i] = 1e-9 * fmin(peak, memory * x[i]);
    }
    series[0] = (od_chart_series){.name = "limit, second-level cache", .x = x, .y = by_cache, .count = ROOF_POINTS};
    series[1] =
        (od_chart_series){.name = "limit, memory", .x = x, .y = by_memory, .count = ROOF_POINTS, .dashed = true};
    for (int g = 0; g < ROOFLINE_GROUPS; g++)
        series[g + 2] = (od_chart_series){
            .name = roofline_groups[g].name, .x = r->x[g], .y = r->y[g], .count = r->count[g], .markers = true};
    snprintf(title, sizeof title, "One core, %s: peak %.0f GFLOP/s, cache %.0f GB/s, memory %.0f GB/s", isa,
             peak * 1e-9, cache * 1e-9, memory * 1e-9);
    const od_chart chart = {.title = title,
                            .x_label = "operations a byte",
                            .y_label = "GFLOP/s",
                            .series = series,
                            .series_count = ROOFLINE_GROUPS + 2,
                            .log_x = true,
                            .fixed_y = true,
                            .y_high = 1.05e-9 * peak,
                            .height = 400};
    od_status status = od_chart_svg(&chart, &svg, err);
    if (status == OD_OK) status = od_file_write_all(path, svg.data, svg.size, err);
    od_strbuf_deinit(&svg);
    return status;
}

#endif
