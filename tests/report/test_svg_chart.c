/* SPDX-License-Identifier: Apache-2.0
 *
 * Charts: round ticks, escaped text, exact drawings of small charts, well-formed output for odd data.
 * `test_svg_chart --write FILE` writes a page with a few charts to look at.
 */
#define _GNU_SOURCE
#include "report/escape.h"
#include "report/svg_chart.h"
#include "report/svg_ticks.h"
#include "test_support.h"
#include "util/alloc.h"

#include <expat.h>
#include <math.h>
#include <string.h>

#define NOT_A_NUMBER ((double)NAN)

static void check_ticks(const od_ticks *t, const char *expected)
{
    char text[512] = "";
    for (int i = 0; i < t->count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), i ? " %s" : "%s", t->label[i]);
    assert_string_equal(text, expected);
}

static void test_linear_ticks(void **state)
{
    (void)state;
    static const struct {
        double low, high;
        int wanted;
        const char *labels;
    } cases[] = {{0, 1, 5, "0 0.2 0.4 0.6 0.8 1.0"},
                 {-1, 1, 4, "-1.0 -0.5 0 0.5 1.0"},
                 {0, 600, 8, "0 100 200 300 400 500 600"},
                 {0, 50000, 5, "0 10k 20k 30k 40k 50k"},
                 {0, 5e6, 5, "0 1M 2M 3M 4M 5M"},
                 {.0012, .0049, 5, "0.002 0.003 0.004"},
                 {98.7, 99.3, 3, "98.8 99.0 99.2"},
                 {12000, 12500, 5, "12.0k 12.1k 12.2k 12.3k 12.4k 12.5k"},
                 {0, 1e-9, 2, "0 5e-10 1e-09"},
                 {3, 4, 1, "3 4"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        od_ticks t;
        od_ticks_linear(&t, cases[i].low, cases[i].high, cases[i].wanted);
        check_ticks(&t, cases[i].labels);
    }
}

static void test_log_ticks(void **state)
{
    (void)state;
    od_ticks t;
    od_ticks_log(&t, 1, 1000, 5);
    check_ticks(&t, "1 10 100 1000");
    od_ticks_log(&t, 1, 1000, 10);
    check_ticks(&t, "1 2 5 10 20 50 100 200 500 1000");
    od_ticks_log(&t, .05, 30, 10);
    check_ticks(&t, "0.05 0.1 0.2 0.5 1 2 5 10 20");
    od_ticks_log(&t, 21, 45, 5); /* no two round powers inside */
    check_ticks(&t, "25 30 35 40 45");
}

static void test_escape(void **state)
{
    (void)state;
    od_strbuf b = {0};
    od_xml_escape(&b, "a<b & \"c\" 'd' > \x01 \xc3\xa4 \xe2\x82\xac \xff \xc3 \xed\xa0\x80.");
    assert_string_equal(b.data,
                        "a&lt;b &amp; &quot;c&quot; &#39;d&#39; &gt; \xef\xbf\xbd \xc3\xa4 \xe2\x82\xac \xef\xbf\xbd "
                        "\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd.");
    assert_int_equal(od_utf8_length("\xc3\xa4\xe2\x82\xac"
                                    "b"),
                     3);
    od_strbuf_deinit(&b);
}

/* Draws, checks that it is well-formed XML without non-numbers, and gives what follows the style sheet. */
static char *draw(const od_chart *chart, od_strbuf *out)
{
    od_error err = {0};
    if (od_chart_svg(chart, out, &err) != OD_OK) fail_msg("%s", err.message);
    XML_Parser parser = XML_ParserCreate(NULL);
    if (XML_Parse(parser, out->data, (int)out->size, 1) != XML_STATUS_OK)
        fail_msg("%s in %s", XML_ErrorString(XML_GetErrorCode(parser)), out->data);
    XML_ParserFree(parser);
    char *body = strstr(out->data, "</style>");
    assert_non_null(body);
    for (char *p = strstr(body, "=\""); p; p = strstr(p + 1, "=\"")) { /* in no attribute */
        size_t n = strcspn(p + 2, "\"");
        assert_null(memmem(p + 2, n, "nan", 3));
        assert_null(memmem(p + 2, n, "inf", 3));
    }
    return body + 8;
}

static void test_exact_drawing(void **state)
{
    (void)state;
    const double x[] = {0, 10, 20}, y[] = {0, 1, 2};
    const od_chart_series series = {.name = "a&b", .x = x, .y = y, .count = 3};
    const od_chart chart = {.series = &series, .series_count = 1, .width = 200, .height = 150};
    od_strbuf out = {0};
    /* The plot: left 14 + .56 * 12 * 1 sign, right 200 - 16, top 8 + legend 18 + 8, bottom 150 - 28. */
    assert_string_equal(
        draw(&chart, &out),
        "<line class=\"l\" style=\"stroke:var(--c1)\" x1=\"8.0\" x2=\"26.0\" y1=\"16.0\" y2=\"16.0\"/>"
        "<text x=\"31.0\" y=\"20.0\">a&amp;b</text>"
        "<path class=\"g\" d=\"M20.7 122.0H184.0\"/><text x=\"14.7\" y=\"126.0\" text-anchor=\"end\">0</text>"
        "<path class=\"g\" d=\"M20.7 78.0H184.0\"/><text x=\"14.7\" y=\"82.0\" text-anchor=\"end\">1</text>"
        "<path class=\"g\" d=\"M20.7 34.0H184.0\"/><text x=\"14.7\" y=\"38.0\" text-anchor=\"end\">2</text>"
        "<path class=\"a\" fill=\"none\" d=\"M20.7 34.0V122.0H184.0M20.7 122.0v4M102.4 122.0v4M184.0 122.0v4\"/>"
        "<text x=\"20.7\" y=\"139.0\" text-anchor=\"middle\">0</text>"
        "<text x=\"102.4\" y=\"139.0\" text-anchor=\"middle\">10</text>"
        "<text x=\"184.0\" y=\"139.0\" text-anchor=\"middle\">20</text>"
        "<path class=\"l\" style=\"stroke:var(--c1)\" d=\"M20.7 122.0L102.4 78.0L184.0 34.0\"/></svg>");
    od_strbuf_deinit(&out);
}

static void test_gaps_bands_and_log(void **state)
{
    (void)state;
    const double x[] = {0, 1, 10, 100, 1000, 2000}, y[] = {9, 1, 2, NOT_A_NUMBER, 3, 4};
    const double low[] = {0, 0, 1, 0, 2, NOT_A_NUMBER}, high[] = {9, 2, 3, 0, 4, 5};
    const od_chart_series series = {.x = x, .y = y, .low = low, .high = high, .count = 6};
    const od_chart chart = {
        .title = "t", .series = &series, .series_count = 1, .log_x = true, .fixed_y = true, .y_high = 4};
    od_strbuf out = {0};
    char *body = draw(&chart, &out);
    char *line = strstr(body, "class=\"l\"");
    assert_non_null(line);
    char *d = strstr(line, " d=\"") + 4; /* x = 0 has no logarithm, NaN is a gap: two parts of two points */
    int moves = 0, lines = 0;
    for (; *d != '"'; d++) moves += *d == 'M', lines += *d == 'L';
    assert_int_equal(moves, 2);
    assert_int_equal(lines, 2);
    char *band = strstr(body, "class=\"b\"");
    assert_non_null(band); /* points 1 and 2 only: the rest has no neighbour with finite edges */
    assert_null(strstr(band + 1, "class=\"b\""));
    od_strbuf_deinit(&out);
}

static void test_lone_points_are_seen(void **state)
{
    (void)state;
    const double x[] = {5}, y[] = {.25};
    const od_chart_series series = {.name = "one", .x = x, .y = y, .count = 1};
    const od_chart chart = {.series = &series, .series_count = 1};
    od_strbuf out = {0};
    assert_non_null(strstr(draw(&chart, &out), "r=\"3\"><title>one (5, 0.25)</title></circle>"));
    od_strbuf_deinit(&out);
}

static void test_odd_data(void **state)
{
    (void)state;
    static const double odd[] = {0, -0.0, 1e308, -1e308, 1e-320, 5, 5 + 1e-15, (double)INFINITY, -(double)INFINITY};
    size_t n = sizeof odd / sizeof *odd;
    od_strbuf out = {0};
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            for (int log_x = 0; log_x < 2; log_x++) {
                const double x[] = {odd[i], odd[j]}, y[] = {odd[j], odd[i]};
                const od_chart_series series = {.name = "\xff<", .x = x, .y = y, .count = 2};
                const od_chart chart = {
                    .title = "&", .x_label = "<", .y_label = ">", .series = &series, .series_count = 1, .log_x = log_x};
                draw(&chart, &out);
                od_strbuf_deinit(&out);
            }
    const od_chart empty = {.title = "nothing"};
    assert_non_null(strstr(draw(&empty, &out), ">no data</text>"));
    od_strbuf_deinit(&out);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    od_error err = {0};
    od_strbuf out = {0};
    const od_chart small = {.width = 10}, upside_down = {.fixed_y = true, .y_low = 1, .y_high = 0};
    assert_int_equal(od_chart_svg(&small, &out, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "10 x 320"));
    assert_int_equal(od_chart_svg(&upside_down, &out, &err), OD_ERR_ARG);
    const od_chart fine = {.title = "x"};
    od_alloc_fail_after(1);
    assert_int_equal(od_chart_svg(&fine, &out, &err), OD_ERR_NOMEM);
    od_alloc_fail_after(0);
    od_strbuf_deinit(&out);
}

static int write_page(const char *path)
{
    double x[60], loss[60], other[60], low[60], high[60], lx[8], ly[8][8];
    for (int i = 0; i < 60; i++) {
        x[i] = 100 * (i + 1);
        loss[i] = .3 + 2 * exp(-i / 12.) + .05 * sin(i * 1.7);
        other[i] = .4 + 1.6 * exp(-i / 20.);
        low[i] = loss[i] - .15;
        high[i] = loss[i] + .15;
    }
    static const char *const names[] = {"TensorFlow",   "PyTorch eager", "objdet (AVX2)", "objdet (AVX-512)",
                                        "ONNX Runtime", "oneDNN",        "BLIS",          "<the last>"};
    for (int i = 0; i < 8; i++)
        for (int k = 0; k < 8; k++) lx[i] = pow(2, i), ly[k][i] = (k + 1) * 10 * (1 - exp(-lx[i] / 12));
    const od_chart_series curves[] = {
        {.name = "train: total loss", .x = x, .y = loss, .low = low, .high = high, .count = 60},
        {.name = "eval: total loss", .x = x, .y = other, .count = 60, .dashed = true}};
    od_chart_series speeds[8];
    for (int k = 0; k < 8; k++)
        speeds[k] = (od_chart_series){.name = names[k], .x = lx, .y = ly[k], .count = 8, .markers = k < 4};
    const od_chart charts[] = {
        {.title = "Loss", .x_label = "step", .y_label = "loss", .series = curves, .series_count = 2},
        {.title = "Images per second by batch size",
         .x_label = "batch size",
         .y_label = "images/s",
         .series = speeds,
         .series_count = 8,
         .log_x = true},
        {.title = "mAP",
         .series = curves,
         .series_count = 1,
         .fixed_y = true,
         .y_high = 1,
         .width = 320,
         .height = 200},
        {.title = "Nothing yet"}};
    od_strbuf page = {0};
    od_strbuf_puts(&page, "<!doctype html><meta charset=utf-8><meta name=color-scheme content='light dark'><body>");
    for (int i = 0; i < 4; i++) od_chart_svg(&charts[i], &page, NULL);
    FILE *f = fopen(path, "w");
    int failed = !f || od_strbuf_failed(&page) || fwrite(page.data, 1, page.size, f) != page.size || fclose(f);
    od_strbuf_deinit(&page);
    return failed;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--write")) return write_page(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_linear_ticks),
        cmocka_unit_test(test_log_ticks),
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_exact_drawing),
        cmocka_unit_test(test_gaps_bands_and_log),
        cmocka_unit_test(test_lone_points_are_seen),
        cmocka_unit_test(test_odd_data),
        cmocka_unit_test(test_bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
