/* SPDX-License-Identifier: Apache-2.0
 *
 * The progress display: exact text in a log, and what stands on a (pseudo-)terminal's screen.
 */
#define _GNU_SOURCE
#include "log.h"
#include "objdet/log.h"
#include "progress.h"
#include "progress_private.h"
#include "test_support.h"
#include "util/error.h"

#include <math.h>
#include <pty.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void test_numbers_as_numpy_prints_them(void **state)
{
    (void)state;
    /* repr(numpy.float32(x)), numpy 1.26 */
    static const struct {
        double value;
        const char *text;
    } cases[] = {{1e-5, "1e-05"},
                 {1e-4, "1e-04"},
                 {9.9999e-5, "9.9999e-05"},
                 {123456789, "123456790.0"},
                 {1e15, "1000000000000000.0"},
                 {1e16, "1e+16"},
                 {9.999e15, "9999000000000000.0"},
                 {0, "0.0"},
                 {1, "1.0"},
                 {-0.0, "-0.0"},
                 {(double)NAN, "nan"},
                 {(double)INFINITY, "inf"},
                 {-(double)INFINITY, "-inf"},
                 {0.1, "0.1"},
                 {1 / 3., "0.33333334"},
                 {3.4e38, "3.4e+38"},
                 {1.17549435e-38, "1.1754944e-38"},
                 {1e-45, "1e-45"},
                 {16777216, "16777216.0"},
                 {2.5e-7, "2.5e-07"},
                 {0.0049719997, "0.0049719997"},
                 {-1.5e-6, "-1.5e-06"},
                 {100, "100.0"},
                 {9007199254740992., "9007199000000000.0"},
                 {9.5367431640625e-07, "9.536743e-07"},
                 {4.2723274, "4.2723274"},
                 {2.4069362, "2.4069362"},
                 {0.73970014, "0.73970014"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[48];
        cli_format_float32(text, sizeof text, cases[i].value);
        assert_string_equal(text, cases[i].text);
    }
}

static void test_durations(void **state)
{
    (void)state;
    char t[32];
    assert_string_equal(cli_format_duration(t, sizeof t, 0.04), "0.0 s");
    assert_string_equal(cli_format_duration(t, sizeof t, 59.94), "59.9 s");
    assert_string_equal(cli_format_duration(t, sizeof t, 59.96), "1m 00s");
    assert_string_equal(cli_format_duration(t, sizeof t, 171), "2m 51s");
    assert_string_equal(cli_format_duration(t, sizeof t, 3723), "1h 02m");
    assert_string_equal(cli_format_duration(t, sizeof t, 270000), "3d 03h");
    assert_string_equal(cli_format_duration(t, sizeof t, (double)NAN), "?");
}

static double seconds_now;

static double fake_clock(void *user)
{
    (void)user;
    return seconds_now;
}

static const od_named_value losses[] = {{"Loss/localization_loss", 0.7368802},
                                        {"Loss/classification_loss", 1.128511},
                                        {"Loss/regularization_loss", 2.4069362},
                                        {"Loss/total_loss", 4.2723274}};

static void show(cli_progress *p, od_progress_kind kind, int64_t step, const char *text)
{
    od_progress_event e = od_progress_event_default(kind);
    e.step = step;
    e.total_steps = 250;
    e.text = text;
    cli_progress_show(p, &e);
}

static void show_step(cli_progress *p, int64_t step, double seconds)
{
    od_progress_event e = od_progress_event_default(OD_PROGRESS_STEP);
    e.step = step;
    e.total_steps = 250;
    e.epoch = (double)step * 8 / 160;
    e.step_seconds = seconds;
    e.images_per_second = 8 / seconds;
    e.learning_rate = 0.004394;
    e.values = losses;
    e.value_count = 4;
    cli_progress_show(p, &e);
}

static void show_eval(cli_progress *p, int64_t step, double map)
{
    od_progress_event e = od_progress_event_default(OD_PROGRESS_EVAL_BEGIN);
    e.step = step;
    e.total = 140;
    cli_progress_show(p, &e);
    for (int done = 20; done <= 140; done += 20) {
        seconds_now += .1;
        e.kind = OD_PROGRESS_EVAL_PROGRESS;
        e.done = done;
        cli_progress_show(p, &e);
    }
    const od_named_value metrics[] = {{"DetectionBoxes_Precision/mAP", map},
                                      {"DetectionBoxes_Precision/mAP@.50IOU", .744},
                                      {"DetectionBoxes_Precision/mAP (small)", -1},
                                      {"Loss/total_loss", 4.306418}};
    e.kind = OD_PROGRESS_EVAL_END;
    e.values = metrics;
    e.value_count = 4;
    e.seconds = 12.34;
    cli_progress_show(p, &e);
}

static void test_log_is_the_od_apis(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    const cli_progress_options options = {out, fake_clock, NULL};
    cli_progress *p = cli_progress_create(&options);
    show(p, OD_PROGRESS_RESUMED, 50, "ckpt-2");
    show(p, OD_PROGRESS_START, 50, NULL);
    for (int step = 51; step <= 250; step++) {
        show_step(p, step, step & 1 ? .28 : .29);
        if (step == 100) show(p, OD_PROGRESS_CHECKPOINT, 100, "ckpt-3");
        if (step == 100) show_eval(p, 100, .312);
        if (step == 200) show_eval(p, 200, .25);
    }
    show_step(p, 251, .5);
    od_progress_event e = od_progress_event_default(OD_PROGRESS_DONE);
    e.step = 251;
    e.seconds = 171;
    cli_progress_show(p, &e);
    cli_progress_free(p);
    fclose(out);
    static const char *const losses_text = "INFO:tensorflow:{'Loss/classification_loss': 1.128511,\n"
                                           " 'Loss/localization_loss': 0.7368802,\n"
                                           " 'Loss/regularization_loss': 2.4069362,\n"
                                           " 'Loss/total_loss': 4.2723274,\n"
                                           " 'learning_rate': 0.004394}\n";
    static const char *const finished = "INFO:tensorflow:Finished eval step 0\n"
                                        "INFO:tensorflow:Finished eval step 100\n";
    static const char *const rest = "INFO:tensorflow:\t+ DetectionBoxes_Precision/mAP@.50IOU: 0.744000\n"
                                    "INFO:tensorflow:\t+ DetectionBoxes_Precision/mAP (small): -1.000000\n"
                                    "INFO:tensorflow:\t+ Loss/total_loss: 4.306418\n"
                                    "evaluated 140 images in 12.3 s\n";
    char expected[8192];
    snprintf(expected, sizeof expected,
             "resuming from ckpt-2, step 50\n"
             "saved ckpt-3 (step 100)\n"
             "evaluating step 100 on 140 images\n%s"
             "INFO:tensorflow:Eval metrics at step 100\n"
             "INFO:tensorflow:\t+ DetectionBoxes_Precision/mAP: 0.312000\n%s"
             "INFO:tensorflow:Step 150 per-step time 0.285s\n%s"
             "step 150 of 250, epoch 7.50, 28.1 img/s, 28.5 s left\n"
             "evaluating step 200 on 140 images\n%s"
             "INFO:tensorflow:Eval metrics at step 200\n"
             "INFO:tensorflow:\t+ DetectionBoxes_Precision/mAP: 0.250000\n%s"
             "mAP 0.250 (best 0.312 at step 100)\n"
             "INFO:tensorflow:Step 250 per-step time 0.285s\n%s"
             "step 250 of 250, epoch 12.50, 28.1 img/s\n"
             "INFO:tensorflow:Step 251 per-step time 0.500s\n%s"
             "step 251 of 250, epoch 12.55, 16.0 img/s\n"
             "done: step 251 after 2m 51s\n",
             finished, rest, losses_text, finished, rest, losses_text, losses_text);
    assert_string_equal(text, expected);
    free(text);
}

static void test_short_dictionary_stays_on_a_line(void **state)
{
    (void)state;
    /* pprint.pformat(..., width=40): 40 signs fit, 41 don't. */
    static const struct {
        const char *name, *text;
    } cases[] = {{"Loss/total_loss1", "INFO:tensorflow:{'Loss/total_loss1': 1.5, 'learning_rate': 1.0}\n"},
                 {"L45678", "INFO:tensorflow:{'L45678': 1.5, 'learning_rate': 1.0}\n"},
                 {"L456", "INFO:tensorflow:{'L456': 1.5, 'learning_rate': 1.0}\n"}};
    for (int i = 0; i < 3; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        const cli_progress_options options = {out, fake_clock, NULL};
        cli_progress *p = cli_progress_create(&options);
        const od_named_value loss = {cases[i].name, 1.5};
        od_progress_event e = od_progress_event_default(OD_PROGRESS_STEP);
        e.values = &loss;
        e.value_count = 1;
        e.learning_rate = 1;
        e.step_seconds = 1;
        for (e.step = 1; e.step <= 100; e.step++) cli_progress_show(p, &e);
        cli_progress_free(p);
        fclose(out);
        int length = (int)strlen(cases[i].text) - 17; /* without the prefix and the newline */
        const char *dictionary = strstr(text, "INFO:tensorflow:{");
        assert_non_null(dictionary);
        assert_int_equal(!strncmp(dictionary, cases[i].text, strlen(cases[i].text)), length <= 40);
        free(text);
    }
}

/* A pseudo-terminal and what a terminal would show of what was written to it. */
typedef struct screen {
    int master;
    FILE *slave;
    char line[64][512]; /* bytes, colours left out */
    int row, column;
    char raw[1 << 16];
    size_t raw_size;
} screen;

static void screen_open(screen *s, int columns)
{
    int slave;
    struct winsize size = {24, (unsigned short)columns, 0, 0};
    memset(s, 0, sizeof *s);
    assert_int_equal(openpty(&s->master, &slave, NULL, NULL, &size), 0);
    s->slave = fdopen(slave, "w");
    assert_non_null(s->slave);
}

static void screen_put(screen *s, char c)
{
    if (c == '\r')
        s->column = 0;
    else if (c == '\n')
        s->row++;
    else if (s->row < 64 && s->column < 511)
        s->line[s->row][s->column++] = c;
}

static void screen_take(screen *s, const char *c)
{
    for (; *c; c++) {
        if (*c != '\033') {
            screen_put(s, *c);
            continue;
        }
        c += strcspn(c, "Km");
        if (*c == 'K') memset(s->line[s->row] + s->column, 0, sizeof s->line[0] - (size_t)s->column);
    }
}

/* Takes what has been written: a terminal hands it over some time later, so a mark is written behind and waited for.
 * Call before the terminal's buffer (4096 bytes) is full. */
static void screen_read(screen *s)
{
    fputc(1, s->slave);
    fflush(s->slave);
    size_t from = s->raw_size;
    for (;;) {
        ssize_t n = read(s->master, s->raw + s->raw_size, sizeof s->raw - 1 - s->raw_size);
        assert_true(n > 0);
        s->raw_size += (size_t)n;
        s->raw[s->raw_size] = 0;
        if (s->raw[s->raw_size - 1] != 1) continue;
        s->raw[--s->raw_size] = 0;
        screen_take(s, s->raw + from);
        return;
    }
}

static void screen_close(screen *s)
{
    fclose(s->slave);
    close(s->master);
}

static void run_on_terminal(screen *s)
{
    const cli_progress_options options = {s->slave, fake_clock, NULL};
    cli_progress *p = cli_progress_create(&options);
    seconds_now = 0;
    show(p, OD_PROGRESS_START, 0, "training");
    screen_read(s);
    for (int step = 1; step <= 200; step++) {
        seconds_now += .25;
        show_step(p, step, .25);
        screen_read(s);
    }
    show(p, OD_PROGRESS_CHECKPOINT, 200, "ckpt-2");
    show_eval(p, 200, .312);
    show(p, OD_PROGRESS_NOTE, -1, "a note");
    screen_read(s);
    cli_progress_free(p);
    screen_read(s);
}

static void test_terminal_line(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C", 1);
    setenv("NO_COLOR", "1", 1);
    screen s;
    screen_open(&s, 130);
    run_on_terminal(&s);
    assert_string_equal(s.line[0], "training");
    assert_string_equal(s.line[1], "saved ckpt-2 (step 200)");
    assert_string_equal(s.line[2], "eval at step 200: mAP 0.312  AP50 0.744  loss 4.306  (140 images, 12.3 s)");
    assert_string_equal(s.line[3], "a note");
    assert_string_equal(s.line[4], "step 200/250  ==========--  80%  ETA 0:13  32.0 img/s  loss 4.272  "
                                   "loc 0.737 cls 1.13 reg 2.41  mAP 0.312  epoch 10.0  lr 0.00439");
    assert_string_equal(s.line[5], "");
    assert_null(memmem(s.raw, s.raw_size, "\033[3", 3)); /* no colours */
    screen_close(&s);
}

static void test_terminal_fits_every_width(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C", 1);
    setenv("NO_COLOR", "1", 1);
    for (int columns = 14; columns < 160; columns += 3) {
        screen s;
        screen_open(&s, columns);
        run_on_terminal(&s);
        int last = s.row - 1;
        assert_true((int)strlen(s.line[last]) < columns);
        assert_memory_equal(s.line[last], "step 200/250", 12);
        screen_close(&s);
    }
}

static void test_terminal_redraws_rarely(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    screen s;
    screen_open(&s, 80);
    const cli_progress_options options = {s.slave, fake_clock, NULL};
    cli_progress *p = cli_progress_create(&options);
    seconds_now = 100;
    for (int step = 1; step <= 1000; step++) {
        seconds_now += .01;
        show_step(p, step, .01);
        screen_read(&s);
    }
    cli_progress_free(p);
    int drawn = 0;
    for (size_t i = 0; i < s.raw_size; i++) drawn += s.raw[i] == 'K';
    assert_true(drawn >= 45 && drawn <= 51); /* 10 seconds */
    screen_close(&s);
}

static void test_terminal_colors_and_signs(void **state)
{
    (void)state;
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("NO_COLOR");
    screen s;
    screen_open(&s, 80);
    run_on_terminal(&s);
    assert_non_null(memmem(s.raw, s.raw_size, "\033[32m━", 8));
    assert_non_null(memmem(s.raw, s.raw_size, "\033[2m─", 7));
    screen_close(&s);
    setenv("LC_ALL", "C", 1);
    setenv("TERM", "dumb", 1); /* a terminal that can't go back: the log's lines */
    screen_open(&s, 80);
    run_on_terminal(&s);
    assert_null(memchr(s.raw, '\033', s.raw_size));
    assert_non_null(memmem(s.raw, s.raw_size, "INFO:tensorflow:Step 200 per-step", 33));
    screen_close(&s);
    setenv("TERM", "xterm", 1);
}

/* A warning from the library in the middle: the line gives way, and comes back below. */
static void test_log_lines_go_above(void **state)
{
    (void)state;
    setenv("LC_ALL", "C", 1);
    setenv("NO_COLOR", "1", 1);
    screen s;
    screen_open(&s, 60);
    fflush(stderr);
    int saved = dup(2);
    dup2(fileno(s.slave), 2); /* warnings go to the same terminal */
    const cli_progress_options options = {s.slave, fake_clock, NULL};
    cli_progress *p = cli_progress_create(&options);
    show_step(p, 10, .25);
    od_log(OD_LOG_WARNING, "image 7 is broken");
    screen_read(&s);
    cli_progress_free(p);
    od_log(OD_LOG_WARNING, "after");
    screen_read(&s);
    dup2(saved, 2);
    close(saved);
    assert_string_equal(s.line[0], "objdet: warning: image 7 is broken");
    assert_memory_equal(s.line[1], "step 10/250  ", 13);
    assert_string_equal(s.line[2], "objdet: warning: after");
    screen_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_as_numpy_prints_them),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_log_is_the_od_apis),
        cmocka_unit_test(test_short_dictionary_stays_on_a_line),
        cmocka_unit_test(test_terminal_line),
        cmocka_unit_test(test_terminal_fits_every_width),
        cmocka_unit_test(test_terminal_redraws_rarely),
        cmocka_unit_test(test_terminal_colors_and_signs),
        cmocka_unit_test(test_log_lines_go_above),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
