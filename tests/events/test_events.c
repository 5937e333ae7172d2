/* SPDX-License-Identifier: Apache-2.0
 *
 * Event files: what TensorFlow's writers wrote (tests/oracle/events_fixture.py) is read, ours are the same bytes, and
 * cut, damaged and half-written files behave as promised. `test_events --write DIR` writes a run with every kind of
 * value for tests/oracle/events_read.py.
 */
#include "events/event_picture.h"
#include "events/tags.h"
#include "objdet/events.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/record.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *fixture(const char *name)
{
    static char path[512], relative[256];
    snprintf(relative, sizeof relative, "tests/events/data/tf_events/%s", name);
    test_source_path(path, sizeof path, relative);
    return path;
}

static const char *tmp(const char *name)
{
    static char path[512];
    test_tmp_path(path, sizeof path, name);
    return path;
}

static od_events *read_ok(const char *path, unsigned flags)
{
    od_events *e = NULL;
    od_error err = {0};
    if (od_events_read(&e, path, flags, &err) != OD_OK) fail_msg("%s", err.message);
    return e;
}

static void test_reads_tf2(void **state)
{
    (void)state;
    od_events *e = read_ok(fixture("tf2"), OD_EVENTS_WITH_IMAGES);
    assert_int_equal(od_events_series_count(e), 3);
    assert_string_equal(od_events_series_at(e, 0)->tag, "DetectionBoxes_Precision/mAP (small)");
    assert_null(od_events_series_at(e, 3));
    const od_event_series *loss = od_events_find(e, "Loss/total_loss");
    assert_int_equal(loss->count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(loss->points[i].step, 100 * (i + 1));
        assert_true(loss->points[i].value == (double)(float)(1.0 / (100 * (i + 1))));
        assert_true(loss->points[i].wall_time > 1.7e9);
    }
    assert_true(od_events_find(e, OD_TAG_LEARNING_RATE)->points[2].value == (double)(float)(300 * 1e-5));
    assert_null(od_events_find(e, "weights"));
    assert_int_equal(od_events_image_count(e), 2);
    const od_event_image *image = od_events_image_at(e, 1);
    assert_string_equal(image->tag, "train_input_images");
    assert_int_equal(image->index, 1);
    assert_int_equal(image->width, 4);
    assert_int_equal(image->height, 3);
    assert_int_equal(image->size, 77);
    assert_memory_equal(image->bytes, "\x89PNG\r\n", 6);
    assert_int_equal(od_events_text_count(e), 1);
    assert_string_equal(od_events_text_at(e, 0)->text, "two\nlines");
    assert_int_equal(od_events_text_at(e, 0)->step, 5);
    assert_int_equal(od_events_file_count(e), 1);
    assert_int_equal(od_events_cut_count(e), 0);
    od_events_free(e);
}

static void test_reads_tf1(void **state)
{
    (void)state;
    od_events *e = read_ok(fixture("tf1"), 0);
    const od_event_series *loss = od_events_find(e, "Losses/TotalLoss");
    assert_int_equal(loss->count, 3);
    assert_int_equal(loss->points[2].step, 20);
    assert_true(loss->points[0].value == 5 && loss->points[1].value == 4 && loss->points[2].value == 3);
    assert_int_equal(od_events_image_count(e), 1);
    assert_int_equal(od_events_image_at(e, 0)->width, 7);
    assert_int_equal(od_events_image_at(e, 0)->height, 5);
    assert_null(od_events_image_at(e, 0)->bytes);
    assert_true(od_events_image_at(e, 0)->size > 50);
    od_events_free(e);
}

static void test_reads_number_types(void **state)
{
    (void)state;
    static const char *const types[] = {"float32", "float64", "float16", "bfloat16", "int32", "int64"};
    static const char *const places[] = {"val", "content"};
    od_events *e = read_ok(fixture("types"), 0);
    for (int i = 0; i < 6; i++)
        for (int p = 0; p < 2; p++) {
            char tag[32];
            snprintf(tag, sizeof tag, "%s/%s", types[i], places[p]);
            const od_event_series *s = od_events_find(e, tag);
            if (!s) fail_msg("%s wasn't read", tag);
            assert_true(s->points[0].value == (i < 4 ? -3.5 : -3));
        }
    assert_int_equal(od_events_find(e, "float32/val")->count, 2);
    assert_true(od_events_find(e, "float32/val")->points[1].value == 4.25);
    assert_null(od_events_find(e, "unnamed"));
    assert_null(od_events_find(e, "vector"));
    od_events_free(e);
}

static double fixed_clock(void *user)
{
    return *(double *)user;
}

/* The fixture's events again, through our writer at the same wall times. */
static void rewrite_tf2(const od_events *e, const char *dir, char *path, size_t path_size)
{
    double time = 1.7e9 + 0.25;
    const od_events_writer_options options = {NULL, fixed_clock, &time};
    od_events_writer *w;
    assert_int_equal(od_events_writer_open(&w, dir, &options, NULL), OD_OK);
    snprintf(path, path_size, "%s", od_events_writer_path(w));
    const od_event_image *first = od_events_image_at(e, 0), *second = od_events_image_at(e, 1);
    const od_events_picture pictures[] = {{first->bytes, first->size}, {second->bytes, second->size}};
    time = first->wall_time;
    od_events_writer_images(w, first->tag, 0, 4, 3, pictures, 2, NULL);
    static const char *const tags[] = {"Loss/total_loss", "learning_rate"};
    for (size_t i = 0; i < 3; i++)
        for (int t = 0; t < 2; t++) {
            const od_event_point p = od_events_find(e, tags[t])->points[i];
            time = p.wall_time;
            od_events_writer_scalar(w, tags[t], p.step, p.value, NULL);
        }
    const od_event_series *small = od_events_series_at(e, 0);
    time = small->points[0].wall_time;
    od_events_writer_scalar(w, small->tag, 300, -1, NULL);
    time = od_events_text_at(e, 0)->wall_time;
    od_events_writer_text(w, "note", 5, "two\nlines", NULL);
    assert_int_equal(od_events_writer_close(w, NULL), OD_OK);
}

static void test_writes_tensorflows_bytes(void **state)
{
    (void)state;
    char ours_path[512], theirs_path[512];
    od_events *e = read_ok(fixture("tf2"), OD_EVENTS_WITH_IMAGES);
    rewrite_tf2(e, tmp("rewrite"), ours_path, sizeof ours_path);
    od_events_free(e);
    assert_non_null(strstr(ours_path, "/events.out.tfevents.1700000000."));
    assert_string_equal(ours_path + strlen(ours_path) - 5, ".0.v2");
    snprintf(theirs_path, sizeof theirs_path, "%s", fixture("tf2/events.out.tfevents.1700000000.host.1.0.v2"));
    od_file_view ours, theirs;
    assert_int_equal(od_file_view_open(&ours, ours_path, NULL), OD_OK);
    assert_int_equal(od_file_view_open(&theirs, theirs_path, NULL), OD_OK);
    size_t at = 0, at2 = 0, size, size2;
    const uint8_t *p, *p2;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(od_record_next(ours.data, ours.size, &at, &p, &size), OD_RECORD_OK);
        assert_int_equal(od_record_next(theirs.data, theirs.size, &at2, &p2, &size2), OD_RECORD_OK);
        if (i == 0) continue; /* the version record: another wall time, and it names its writer */
        assert_int_equal(size, size2);
        assert_memory_equal(p, p2, size);
    }
    assert_int_equal(at, ours.size);
    od_file_view_close(&ours);
    od_file_view_close(&theirs);
}

/* A run of `count` steps of 100 from `first`, values value + step / 100. */
static void write_run(const char *dir, double time, int64_t first, int count, double value)
{
    const od_events_writer_options options = {NULL, fixed_clock, &time};
    od_events_writer *w;
    assert_int_equal(od_events_writer_open(&w, dir, &options, NULL), OD_OK);
    for (int i = 0; i < count; i++)
        assert_int_equal(od_events_writer_scalar(w, "x", first + 100 * i, value + (double)(first / 100 + i), NULL),
                         OD_OK);
    assert_int_equal(od_events_writer_close(w, NULL), OD_OK);
}

static void test_resumed_run_overwrites_its_steps(void **state)
{
    (void)state;
    const char *dir = tmp("resumed");
    write_run(dir, 1000, 100, 5, 0);  /* 100..500 */
    write_run(dir, 2000, 300, 4, .5); /* 300..600 */
    write_run(dir, 2000, 200, 1, .25);
    od_events *e = read_ok(dir, 0);
    assert_int_equal(od_events_file_count(e), 3);
    const od_event_series *s = od_events_find(e, "x");
    static const double expected[] = {1, 2.25, 3.5, 4.5, 5.5, 6.5};
    assert_int_equal(s->count, 6);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(s->points[i].step, 100 * (i + 1));
        assert_true(s->points[i].value == expected[i]);
    }
    od_events_free(e);
}

static void test_flush_shows_whole_records(void **state)
{
    (void)state;
    const char *dir = tmp("live");
    od_events_writer *w;
    assert_int_equal(od_events_writer_open(&w, dir, NULL, NULL), OD_OK);
    od_events *e = read_ok(dir, 0);
    assert_int_equal(od_events_series_count(e), 0);
    od_events_free(e);
    od_events_writer_scalar(w, "a", 1, NAN, NULL);
    od_events_writer_scalar(w, "b", -1, 2, NULL);
    assert_int_equal(od_events_writer_flush(w, NULL), OD_OK);
    od_events_writer_scalar(w, "a", 2, 3, NULL);
    e = read_ok(dir, 0);
    assert_int_equal(od_events_find(e, "a")->count, 1);
    assert_true(isnan(od_events_find(e, "a")->points[0].value));
    assert_int_equal(od_events_find(e, "b")->points[0].step, -1);
    assert_int_equal(od_events_cut_count(e), 0);
    od_events_free(e);
    assert_int_equal(od_events_writer_close(w, NULL), OD_OK);
    e = read_ok(dir, 0);
    assert_int_equal(od_events_find(e, "a")->count, 2);
    od_events_free(e);
}

static void test_code_keeps_lines(void **state)
{
    (void)state;
    const char *dir = tmp("code");
    od_events_writer *w;
    assert_int_equal(od_events_writer_open(&w, dir, NULL, NULL), OD_OK);
    od_events_writer_code(w, OD_TAG_CONFIG, 0, "model {\n  ssd { }\n\n}", NULL);
    od_events_writer_code(w, "empty", 0, "", NULL);
    assert_int_equal(od_events_writer_close(w, NULL), OD_OK);
    od_events *e = read_ok(dir, 0);
    assert_string_equal(od_events_text_at(e, 0)->text, "    model {\n      ssd { }\n    \n    }\n");
    assert_string_equal(od_events_text_at(e, 1)->text, "");
    od_events_free(e);
}

/* Cut anywhere: what lies before the cut is read, and a cut inside a record is counted. */
static void test_every_cut(void **state)
{
    (void)state;
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, fixture("tf1/events.out.tfevents.1700000000.host"), NULL), OD_OK);
    size_t boundary = 0, next = 0, size, points = 0;
    const uint8_t *p;
    const char *path = tmp("cut.tfevents");
    for (size_t cut = 0; cut <= view.size; cut++) {
        if (cut == next && cut < view.size) {
            boundary = next;
            assert_int_equal(od_record_next(view.data, view.size, &next, &p, &size), OD_RECORD_OK);
        } else if (cut == next) {
            boundary = next;
        }
        assert_int_equal(od_file_write_all(path, view.data, cut, NULL), OD_OK);
        od_events *e = read_ok(path, 0);
        assert_int_equal(od_events_cut_count(e), cut != boundary);
        const od_event_series *s = od_events_find(e, "Losses/TotalLoss");
        size_t now = s ? s->count : 0;
        assert_true(now >= points);
        points = now;
        od_events_free(e);
    }
    assert_int_equal(points, 3);
    od_file_view_close(&view);
}

static void test_flipped_bits(void **state)
{
    (void)state;
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, fixture("tf1/events.out.tfevents.1700000000.host"), NULL), OD_OK);
    uint8_t *bytes = od_malloc(view.size, 1);
    size_t last = 0, at = 0, size;
    const uint8_t *p;
    while (at < view.size) {
        last = at;
        assert_int_equal(od_record_next(view.data, view.size, &at, &p, &size), OD_RECORD_OK);
    }
    const char *path = tmp("flipped.tfevents");
    for (size_t i = 0; i < view.size; i++) {
        od_events *e = NULL;
        od_error err = {0};
        memcpy(bytes, view.data, view.size);
        bytes[i] ^= (uint8_t)(1 << i % 8);
        assert_int_equal(od_file_write_all(path, bytes, view.size, NULL), OD_OK);
        od_status status = od_events_read(&e, path, 0, &err);
        if (i < last || i < last + OD_RECORD_HEADER_SIZE) {
            assert_int_equal(status, OD_ERR_FORMAT);
            assert_non_null(
                strstr(err.message, i < OD_RECORD_HEADER_SIZE ? "isn't a TensorBoard event file" : "damaged at byte "));
            assert_non_null(strstr(err.message, path));
        } else {
            assert_int_equal(status, OD_OK); /* the last record: a killed run's tail */
            assert_int_equal(od_events_cut_count(e), 1);
        }
        od_events_free(e);
    }
    od_free(bytes);
    od_file_view_close(&view);
}

static void test_not_events(void **state)
{
    (void)state;
    od_events *e = NULL;
    od_error err = {0};
    od_strbuf b = {0};
    const char *path = tmp("note.tfevents");
    assert_int_equal(od_file_write_all(path, "a text file, not a record at all", 32, NULL), OD_OK);
    assert_int_equal(od_events_read(&e, path, 0, &err), OD_ERR_FORMAT);
    od_record_append(&b, "\xff\xff\xff", 3); /* a record, but no Event */
    od_record_append(&b, "", 0);
    assert_int_equal(od_file_write_all(path, b.data, b.size, NULL), OD_OK);
    assert_int_equal(od_events_read(&e, path, 0, &err), OD_ERR_FORMAT);
    assert_non_null(strstr(err.message, "record at byte 0"));
    memset(b.data, 0, b.size);
    assert_int_equal(od_file_write_all(path, b.data, b.size, NULL), OD_OK);
    assert_int_equal(od_events_read(&e, path, 0, &err), OD_OK); /* zeros: a tail lost in a power failure */
    assert_int_equal(od_events_cut_count(e), 1);
    od_events_free(e);
    od_strbuf_deinit(&b);
    assert_int_equal(od_events_read(&e, tmp("nowhere"), 0, &err), OD_ERR_NOT_FOUND);
    assert_int_equal(od_dir_create(tmp("empty_dir"), NULL), OD_OK);
    assert_int_equal(od_events_read(&e, tmp("empty_dir"), 0, &err), OD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "train/"));
}

static void test_finds_runs(void **state)
{
    (void)state;
    char dir[512], sub[600];
    snprintf(dir, sizeof dir, "%s", tmp("model_dir"));
    static const char *const runs[] = {"/eval", "/eval/val", "/train"};
    for (int i = 2; i >= 0; i--) {
        snprintf(sub, sizeof sub, "%s%s", dir, runs[i]);
        write_run(sub, 1000, 0, 1, 0);
    }
    snprintf(sub, sizeof sub, "%s/.hidden", dir);
    write_run(sub, 1000, 0, 1, 0);
    snprintf(sub, sizeof sub, "%s/loop", dir);
    assert_int_equal(symlink(dir, sub), 0);
    od_event_runs found;
    assert_int_equal(od_event_runs_find(&found, dir, NULL), OD_OK);
    assert_int_equal(found.count, 3);
    for (int i = 0; i < 3; i++) assert_string_equal(found.paths[i] + strlen(dir), runs[i]);
    od_event_runs_free(&found);
    assert_int_equal(od_dir_create(tmp("empty_dir"), NULL), OD_OK);
    assert_int_equal(od_event_runs_find(&found, tmp("empty_dir"), NULL), OD_ERR_NOT_FOUND);
    assert_int_equal(od_event_runs_find(&found, tmp("nowhere"), NULL), OD_ERR_NOT_FOUND);
    const char *file = fixture("tf1/events.out.tfevents.1700000000.host");
    assert_int_equal(od_event_runs_find(&found, file, NULL), OD_OK);
    assert_int_equal(found.count, 1);
    assert_string_equal(found.paths[0], file);
    od_event_runs_free(&found);
}

static void test_writer_refuses_bad_folders(void **state)
{
    (void)state;
    od_events_writer *w = NULL;
    od_error err = {0};
    assert_int_equal(od_file_write_all(tmp("a_file"), "x", 1, NULL), OD_OK);
    assert_int_equal(od_events_writer_open(&w, tmp("a_file"), NULL, &err), OD_ERR_IO);
    assert_non_null(strstr(err.message, "a_file"));
    assert_null(w);
    if (geteuid() == 0) return; /* root writes anywhere */
    assert_int_equal(od_dir_create(tmp("read_only"), NULL), OD_OK);
    assert_int_equal(chmod(tmp("read_only"), 0555), 0);
    assert_int_equal(od_events_writer_open(&w, tmp("read_only"), NULL, &err), OD_ERR_IO);
}

/* A full disk at every byte: the file stays readable without a cut record, and a later flush brings what was kept. */
static void test_full_disk(void **state)
{
    (void)state;
    for (int room = 0; room < 120; room += 7) {
        char name[32], dir[512];
        snprintf(name, sizeof name, "full%d", room);
        snprintf(dir, sizeof dir, "%s", tmp(name));
        od_events_writer *w;
        od_error err = {0};
        assert_int_equal(od_events_writer_open(&w, dir, NULL, NULL), OD_OK);
        od_events_writer_scalar(w, "first", 1, 1, NULL);
        assert_int_equal(od_events_writer_flush(w, NULL), OD_OK);
        od_events_writer_scalar(w, "second", 1, 2, NULL);
        od_events_writer_scalar(w, "third", 1, 3, NULL);
        od_file_fail_after(room);
        od_status status = od_events_writer_flush(w, &err);
        od_file_fail_after(-1);
        assert_int_equal(status, OD_ERR_IO);
        assert_non_null(strstr(err.message, "No space left"));
        od_events *e = read_ok(dir, 0);
        assert_int_equal(od_events_series_count(e), 1);
        assert_int_equal(od_events_cut_count(e), 0);
        od_events_free(e);
        od_events_writer_scalar(w, "fourth", 1, 4, NULL);
        assert_int_equal(od_events_writer_close(w, NULL), OD_OK);
        e = read_ok(dir, 0);
        assert_int_equal(od_events_series_count(e), 4);
        assert_int_equal(od_events_cut_count(e), 0);
        od_events_free(e);
    }
}

static od_status write_everything(const char *dir)
{
    static const od_events_picture picture = {"\x89PNG", 4};
    od_events_writer *w;
    OD_TRY(od_events_writer_open(&w, dir, NULL, NULL));
    od_status a = od_events_writer_scalar(w, OD_TAG_LOSS_TOTAL, 1, .5, NULL);
    od_status b = od_events_writer_images(w, OD_TAG_TRAIN_IMAGES, 1, 2, 3, &picture, 1, NULL);
    od_status c = od_events_writer_code(w, OD_TAG_CONFIG, 1, "model { }\n", NULL);
    od_status d = od_events_writer_close(w, NULL);
    return a ? a : b ? b : c ? c : d;
}

static void test_allocation_failures(void **state)
{
    (void)state;
    char dir[512];
    od_status status = OD_ERR_NOMEM;
    for (int n = 1; status != OD_OK; n++) {
        assert_true(n < 200);
        char name[32];
        snprintf(name, sizeof name, "nomem%d", n);
        snprintf(dir, sizeof dir, "%s", tmp(name));
        od_alloc_fail_after(n);
        status = write_everything(dir);
        od_alloc_fail_after(0);
        assert_true(status == OD_OK || status == OD_ERR_NOMEM);
        od_events *e = NULL; /* whatever came to be is readable */
        od_status readable = od_events_read(&e, dir, 0, NULL);
        assert_true(readable == OD_OK || readable == OD_ERR_NOT_FOUND);
        if (e) assert_int_equal(od_events_cut_count(e), 0);
        od_events_free(e);
    }
    status = OD_ERR_NOMEM;
    for (int n = 1; status != OD_OK; n++) {
        assert_true(n < 1000);
        od_events *e = NULL;
        od_alloc_fail_after(n);
        status = od_events_read(&e, fixture("tf2"), OD_EVENTS_WITH_IMAGES, NULL);
        od_alloc_fail_after(0);
        /* A failure inside the protobuf decoder looks like a malformed record; its message says so. */
        assert_true(status == OD_OK ? e != NULL : status == OD_ERR_NOMEM || status == OD_ERR_FORMAT);
        od_events_free(e);
    }
}

static void test_pixels(void **state)
{
    (void)state;
    uint8_t red[] = {255, 0, 0, 1, 2, 3}, other[] = {9, 8, 7, 6, 5, 4};
    const od_image images[] = {{2, 1, red}, {2, 1, other}, {1, 2, other}};
    const char *dir = tmp("pixels");
    od_events_writer *w;
    od_error err = {0};
    assert_int_equal(od_events_writer_open(&w, dir, NULL, NULL), OD_OK);
    assert_int_equal(od_events_writer_pixels(w, OD_TAG_TRAIN_IMAGES, 3, images, 2, NULL), OD_OK);
    assert_int_equal(od_events_writer_pixels(w, OD_TAG_TRAIN_IMAGES, 4, images, 3, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "picture 2 is 1x2"));
    assert_int_equal(od_events_writer_close(w, NULL), OD_OK);
    od_events *e = read_ok(dir, OD_EVENTS_WITH_IMAGES);
    assert_int_equal(od_events_image_count(e), 2);
    const od_event_image *second = od_events_image_at(e, 1);
    assert_int_equal(second->width, 2);
    assert_int_equal(second->step, 3);
    od_image decoded = {0};
    assert_int_equal(od_image_decode(second->bytes, second->size, &decoded, NULL), OD_OK);
    assert_memory_equal(decoded.pixels, other, 6);
    od_image_deinit(&decoded);
    od_events_free(e);
}

/* Values that tests/oracle/events_read.py knows. */
static int write_sample(const char *dir)
{
    /* A 2x1 PNG: red, green. */
    static const uint8_t png[] = {
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
        0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x7b, 0x40, 0xe8, 0xdd, 0x00, 0x00, 0x00,
        0x0f, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0, 0xc0, 0xf0, 0x9f, 0x01, 0x00, 0x07, 0xff,
        0x01, 0xff, 0x01, 0x7f, 0x89, 0xa7, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
    static const char *const coco[] = OD_TAG_COCO_NAMES;
    static const char *const train[] = {OD_TAG_LOSS_CLASSIFICATION, OD_TAG_LOSS_LOCALIZATION,
                                        OD_TAG_LOSS_REGULARIZATION, OD_TAG_LOSS_TOTAL,
                                        OD_TAG_LEARNING_RATE,       OD_TAG_STEPS_PER_SEC};
    char sub[1024];
    od_events_writer *w;
    snprintf(sub, sizeof sub, "%s/" OD_EVENTS_TRAIN_DIR, dir);
    if (od_events_writer_open(&w, sub, NULL, NULL)) return 1;
    const od_events_picture pictures[] = {{png, sizeof png}, {png, sizeof png}};
    od_events_writer_images(w, OD_TAG_TRAIN_IMAGES, 0, 2, 1, pictures, 2, NULL);
    for (int step = 100; step <= 300; step += 100)
        for (int i = 0; i < 6; i++) od_events_writer_scalar(w, train[i], step, step + .25 * i, NULL);
    od_events_writer_code(w, OD_TAG_CONFIG, 0, "model {\n}\n", NULL);
    if (od_events_writer_close(w, NULL)) return 1;
    snprintf(sub, sizeof sub, "%s/" OD_EVENTS_EVAL_DIR, dir);
    if (od_events_writer_open(&w, sub, NULL, NULL)) return 1;
    for (int step = 100; step <= 300; step += 100)
        for (int i = 0; i < OD_TAG_COCO_COUNT; i++) od_events_writer_scalar(w, coco[i], step, i / 16. + step, NULL);
    snprintf(sub, sizeof sub, OD_TAG_SIDE_BY_SIDE_FORMAT, 3, 0);
    od_events_writer_images(w, sub, 300, 2, 1, pictures, 1, NULL);
    snprintf(sub, sizeof sub, OD_TAG_CLASS_MAP_FORMAT, "raccoon");
    od_events_writer_scalar(w, sub, 300, .5, NULL);
    return od_events_writer_close(w, NULL) != OD_OK;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "--write")) return write_sample(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_tf2),
        cmocka_unit_test(test_reads_tf1),
        cmocka_unit_test(test_reads_number_types),
        cmocka_unit_test(test_writes_tensorflows_bytes),
        cmocka_unit_test(test_resumed_run_overwrites_its_steps),
        cmocka_unit_test(test_flush_shows_whole_records),
        cmocka_unit_test(test_code_keeps_lines),
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_not_events),
        cmocka_unit_test(test_finds_runs),
        cmocka_unit_test(test_writer_refuses_bad_folders),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_pixels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
