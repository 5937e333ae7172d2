/* SPDX-License-Identifier: Apache-2.0 */
#include "report/svg_network.h"

#include "report/escape.h"
#include "util/alloc.h"

#include <stdlib.h>

enum { BOX_W = 180, BOX_H = 18, STEP_X = 192, STEP_Y = 28, TOP = 76, LEFT = 16, COLUMN_GAP = 28 };

typedef struct place {
    int depth, column, lane; /* lane: among the boxes of one column and depth */
    int x, y;
} place;

typedef struct layout {
    const od_network_drawing *d;
    place *places;      /* by box */
    int64_t *heights;   /* by column, descending */
    int *lanes;         /* by column: most boxes side by side */
    int *left;          /* by column */
    int columns, depth;
} layout;

static int descending(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

static void find_columns(layout *l)
{
    for (size_t i = 0; i < l->d->count; i++) l->heights[i] = l->d->boxes[i].height;
    qsort(l->heights, l->d->count, sizeof *l->heights, descending);
    for (size_t i = 0; i < l->d->count; i++)
        if (!l->columns || l->heights[l->columns - 1] != l->heights[i]) l->heights[l->columns++] = l->heights[i];
}

static void find_places(layout *l)
{
    for (size_t i = 0; i < l->d->count; i++) {
        const od_network_box *b = &l->d->boxes[i];
        place *p = &l->places[i];
        for (int k = 0; k < b->in_count; k++)
            if (l->places[b->in[k]].depth >= p->depth) p->depth = l->places[b->in[k]].depth + 1;
        while (l->heights[p->column] != b->height) p->column++;
        for (size_t j = 0; j < i; j++) p->lane += l->places[j].column == p->column && l->places[j].depth == p->depth;
        if (p->lane + 1 > l->lanes[p->column]) l->lanes[p->column] = p->lane + 1;
        if (p->depth + 1 > l->depth) l->depth = p->depth + 1;
    }
    for (int c = 0, x = LEFT; c < l->columns; c++) {
        l->left[c] = x;
        x += l->lanes[c] * STEP_X + COLUMN_GAP;
    }
    for (size_t i = 0; i < l->d->count; i++) {
        place *p = &l->places[i];
        p->x = l->left[p->column] + p->lane * STEP_X;
        p->y = TOP + p->depth * STEP_Y;
    }
}

static void write_style(od_strbuf *out)
{
    od_strbuf_puts(out, "<style>.net{--net-text:#222;--net-line:#8888;--net-0:#d9ecf7;--net-1:#d8f0e4;--net-2:#fbe6c9;--net-3:#eadcf2;"
                        "font:11px system-ui,sans-serif}@media(prefers-color-scheme:dark){.net{--net-text:#eee;--net-0:#16435c;--net-1:#15523a;"
                        "--net-2:#664312;--net-3:#4a2f5c}}.net text{fill:var(--net-text)}.net path{fill:none;stroke:var(--net-line)}"
                        ".net rect{stroke:var(--net-line)}</style>");
}

static void write_edge(od_strbuf *out, const place *from, const place *to)
{
    int x0 = from->x + BOX_W / 2, y0 = from->y + BOX_H, x1 = to->x + BOX_W / 2, y1 = to->y;
    int aside = x0 + (BOX_W / 2 + 8) * 4 / 3; /* a cubic goes three quarters of the way to its control points: past the boxes between */
    if (x0 == x1 && to->depth > from->depth + 1)
        od_strbuf_printf(out, "<path d=\"M%d %dC%d %d %d %d %d %d\"/>", x0, y0, aside, y0 + 10, aside, y1 - 10, x1, y1);
    else
        od_strbuf_printf(out, "<path d=\"M%d %dC%d %d %d %d %d %d\"/>", x0, y0, x0, y0 + 16, x1, y1 - 16, x1, y1);
}

static void write_box(od_strbuf *out, const od_network_box *b, const place *p)
{
    od_strbuf_printf(out, "<g><title>");
    od_xml_escape(out, b->title);
    od_strbuf_printf(out, "</title><rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"3\" style=\"fill:var(--net-%d)\"/><text x=\"%d\" y=\"%d\">", p->x, p->y,
                     BOX_W, BOX_H, b->group & 3, p->x + 6, p->y + 13);
    od_xml_escape(out, b->text);
    od_strbuf_puts(out, "</text></g>\n");
}

static int has_group(const od_network_drawing *d, int group)
{
    for (size_t i = 0; i < d->count; i++)
        if (d->boxes[i].group == group) return 1;
    return 0;
}

static void write_svg(const layout *l, od_strbuf *out)
{
    int last = l->columns - 1, width = l->left[last] + l->lanes[last] * STEP_X + LEFT, height = TOP + l->depth * STEP_Y + 8;
    if (width < 480) width = 480;
    od_strbuf_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"net\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n", width, height, width,
                     height);
    write_style(out);
    od_strbuf_printf(out, "<text x=\"%d\" y=\"20\" style=\"font-size:14px;font-weight:600\">", LEFT);
    od_xml_escape(out, l->d->title);
    od_strbuf_puts(out, "</text>\n");
    for (int g = 0, x = LEFT; g < l->d->group_count; g++) {
        if (!has_group(l->d, g)) continue;
        od_strbuf_printf(out, "<rect x=\"%d\" y=\"30\" width=\"12\" height=\"12\" style=\"fill:var(--net-%d)\"/><text x=\"%d\" y=\"40\">", x, g & 3, x + 17);
        x += 90;
        od_xml_escape(out, l->d->groups[g]);
        od_strbuf_puts(out, "</text>\n");
    }
    for (int c = 0; c < l->columns; c++)
        if (l->heights[c] > 0) od_strbuf_printf(out, "<text x=\"%d\" y=\"%d\">%lld rows</text>\n", l->left[c], TOP - 8, (long long)l->heights[c]);
    for (size_t i = 0; i < l->d->count; i++)
        for (int k = 0; k < l->d->boxes[i].in_count; k++) write_edge(out, &l->places[l->d->boxes[i].in[k]], &l->places[i]);
    od_strbuf_puts(out, "\n");
    for (size_t i = 0; i < l->d->count; i++) write_box(out, &l->d->boxes[i], &l->places[i]);
    od_strbuf_puts(out, "</svg>\n");
}

od_status od_network_svg(const od_network_drawing *drawing, od_strbuf *out, od_error *err)
{
    size_t n = drawing->count + 1;
    layout l = {.d = drawing, .places = od_calloc(n, sizeof *l.places), .heights = od_calloc(n, sizeof *l.heights), .lanes = od_calloc(n, sizeof *l.lanes),
                .left = od_calloc(n, sizeof *l.left)};
    int ok = drawing->count && l.places && l.heights && l.lanes && l.left;
    if (ok) {
        find_columns(&l);
        find_places(&l);
        write_svg(&l, out);
        ok = !od_strbuf_failed(out);
    }
    od_free(l.places);
    od_free(l.heights);
    od_free(l.lanes);
    od_free(l.left);
    return ok ? OD_OK : od_error_nomem(err, "the drawing");
}
