/* SPDX-License-Identifier: Apache-2.0
 *
 * model_dirs: the state file, which checkpoint is the newest, what is kept, and what a killed training leaves.
 */
#include "test_support.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/checkpoint_state.h"
#include "checkpoint/model_dir.h"
#include "util/alloc.h"
#include "util/file.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the state file ---- */

static od_status parse(od_checkpoint_state *s, const char *text, od_error *err)
{
    return od_checkpoint_state_parse(s, "D/checkpoint", text, strlen(text), err);
}

static void test_state_parse(void **state)
{
    (void)state;
    od_checkpoint_state s;
    assert_int_equal(parse(&s,
                           "# comment\nmodel_checkpoint_path: \"ckpt-3\"\nall_model_checkpoint_paths: 'a b\\\"\\134\\x2f\\n'\n"
                           "all_model_checkpoint_paths: \"ckpt-3\"\nall_model_checkpoint_timestamps: 1795425550.476525\n"
                           "all_model_checkpoint_timestamps: 1e9\nlast_preserved_timestamp: 12.5\nfuture_field: 7",
                           NULL),
                     OD_OK);
    assert_string_equal(s.newest, "ckpt-3");
    assert_int_equal(s.path_count, 2);
    assert_string_equal(s.paths[0], "a b\"\\/\n");
    assert_int_equal(s.time_count, 2);
    assert_true(s.times[0] == 1795425550.476525);
    assert_true(s.last_preserved == 12.5);
    od_strbuf text = {0};
    od_checkpoint_state_format(&s, &text);
    assert_string_equal(text.data, "model_checkpoint_path: \"ckpt-3\"\nall_model_checkpoint_paths: \"a b\\\"\\\\/\\012\"\n"
                                   "all_model_checkpoint_paths: \"ckpt-3\"\nall_model_checkpoint_timestamps: 1795425550.4765251\n"
                                   "all_model_checkpoint_timestamps: 1000000000\nlast_preserved_timestamp: 12.5\n");
    od_strbuf_deinit(&text);
    od_checkpoint_state_deinit(&s);
}

static void test_state_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "no model_checkpoint_path"},
        {"model_checkpoint_path: \"\"", "no model_checkpoint_path"},
        {"model_checkpoint_path: \"ckpt", "D/checkpoint:1: the file ends"},
        {"\nmodel_checkpoint_path: ckpt-1", "D/checkpoint:2: 'c' where a quoted path"},
        {"model_checkpoint_path \"x\"", "':'"},
        {"model_checkpoint_path: \"x\"\n\nall_model_checkpoint_timestamps: nan", "D/checkpoint:3"},
        {"{", "a field"},
        {"model_checkpoint_path: \"a\\000b\"", "NUL"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        od_checkpoint_state s = {0};
        od_error err = {0};
        assert_int_equal(parse(&s, cases[i].text, &err), OD_ERR_FORMAT);
        if (!strstr(err.message, cases[i].message)) fail_msg("'%s' without '%s'", err.message, cases[i].message);
        assert_null(s.newest);
    }
}

/* ---- folders ---- */

static od_status write_checkpoint(const char *prefix, int64_t step, od_error *err)
{
    od_checkpoint_writer *w;
    OD_TRY(od_checkpoint_writer_create(&w, prefix, err));
    od_status status = od_checkpoint_writer_add_i64(w, "step", step, err);
    if (status == OD_OK) return od_checkpoint_writer_finish(w, err);
    od_checkpoint_writer_abort(w);
    return status;
}

static od_status save(od_model_dir *d, int64_t step, od_error *err)
{
    OD_TRY(write_checkpoint(od_model_dir_next(d), step, err));
    return od_model_dir_commit(d, err);
}

static int64_t step_of(const char *prefix)
{
    od_checkpoint *c;
    int64_t step = -1;
    od_error err = {0};
    if (od_checkpoint_open(&c, prefix, &err)) fail_msg("%s", err.message);
    assert_int_equal(od_checkpoint_step(c, &step, NULL), OD_OK);
    od_checkpoint_close(c);
    return step;
}

static od_model_dir *open_training(const char *dir, int keep)
{
    od_model_dir *d;
    od_error err = {0};
    if (od_model_dir_open_for_training(&d, dir, keep, &err)) fail_msg("%s", err.message);
    return d;
}

static od_model_dir *open_reading(const char *dir)
{
    od_model_dir *d;
    od_error err = {0};
    if (od_model_dir_open(&d, dir, &err)) fail_msg("%s", err.message);
    return d;
}

static void assert_names(const od_model_dir *d, const char *expected)
{
    char names[512] = "";
    for (size_t i = 0; i < od_model_dir_count(d); i++) {
        strcat(names, i ? " " : "");
        strcat(names, od_path_base(od_model_dir_at(d, i)));
    }
    assert_string_equal(names, expected);
}

static int exists_in(const char *dir, const char *name)
{
    char *path = od_path_join(dir, name);
    int yes = od_path_exists(path);
    od_free(path);
    return yes;
}

static void put_file(const char *dir, const char *name, const char *text)
{
    char *path = od_path_join(dir, name);
    assert_int_equal(od_file_write_all(path, text, strlen(text), NULL), OD_OK);
    od_free(path);
}

static void test_save_and_keep(void **state)
{
    (void)state;
    char dir[512];
    test_tmp_path(dir, sizeof dir, "keep/deep");
    od_model_dir *d = open_training(dir, 2);
    assert_null(od_model_dir_newest(d));
    assert_int_equal(od_model_dir_next_number(d), 1);
    assert_int_equal(od_model_dir_commit(d, NULL), OD_ERR_ARG);
    int is_best;
    for (int i = 1; i <= 5; i++) {
        assert_int_equal(save(d, 100 * i, NULL), OD_OK);
        assert_int_equal(od_model_dir_offer_best(d, "mAP", i == 2 ? 0.5 : 0.1, 100 * i, &is_best, NULL), OD_OK);
        assert_int_equal(is_best, i <= 2);
    }
    assert_int_equal(od_model_dir_offer_best(d, "mAP", NAN, 500, &is_best, NULL), OD_OK);
    assert_false(is_best);
    assert_names(d, "ckpt-2 ckpt-4 ckpt-5");
    assert_false(exists_in(dir, "ckpt-1.index"));
    assert_false(exists_in(dir, "ckpt-1.data-00000-of-00001"));
    assert_false(exists_in(dir, "ckpt-3.index"));
    od_model_dir_close(d);
    double best;
    d = open_training(dir, 2);
    assert_string_equal(od_path_base(od_model_dir_best(d, &best)), "ckpt-2");
    assert_true(best == 0.5);
    assert_int_equal(od_model_dir_next_number(d), 6);
    assert_int_equal(step_of(od_model_dir_newest(d)), 500);
    assert_int_equal(od_model_dir_offer_best(d, "mAP", 0.75, 500, &is_best, NULL), OD_OK);
    assert_true(is_best);
    assert_names(d, "ckpt-4 ckpt-5");
    assert_false(exists_in(dir, "ckpt-2.index"));
    od_model_dir_close(d);
}

/* A state file as TensorFlow wrote it elsewhere, with absolute paths: the files in the folder count. */
static void test_moved_folder(void **state)
{
    (void)state;
    char dir[512], moved[512], text[2048];
    test_tmp_path(dir, sizeof dir, "before");
    test_tmp_path(moved, sizeof moved, "after");
    od_model_dir *d = open_training(dir, 7);
    assert_int_equal(save(d, 1, NULL), OD_OK);
    assert_int_equal(save(d, 2, NULL), OD_OK);
    od_model_dir_close(d);
    snprintf(text, sizeof text, "model_checkpoint_path: \"%s/ckpt-2\"\nall_model_checkpoint_paths: \"%s/ckpt-1\"\nall_model_checkpoint_paths: \"%s/ckpt-2\"\n", dir, dir,
             dir);
    put_file(dir, "checkpoint", text);
    d = open_reading(dir);
    assert_names(d, "ckpt-1 ckpt-2");
    od_model_dir_close(d);
    assert_int_equal(rename(dir, moved), 0);
    d = open_training(moved, 7);
    assert_names(d, "ckpt-1 ckpt-2");
    assert_memory_equal(od_model_dir_newest(d), moved, strlen(moved));
    assert_int_equal(save(d, 3, NULL), OD_OK);
    od_model_dir_close(d);
    d = open_reading(moved);
    assert_names(d, "ckpt-1 ckpt-2 ckpt-3");
    od_model_dir_close(d);
}

static void test_zoo_folder(void **state)
{
    (void)state;
    char root[512], inner[600];
    od_error err = {0};
    od_model_dir *d;
    test_tmp_path(root, sizeof root, "zoo");
    snprintf(inner, sizeof inner, "%s/checkpoint/ckpt-0", root);
    char *folder = od_path_dir(inner);
    assert_int_equal(od_dir_create(folder, NULL), OD_OK);
    assert_int_equal(write_checkpoint(inner, 0, NULL), OD_OK);
    d = open_reading(root);
    assert_string_equal(od_model_dir_newest(d), inner);
    od_model_dir_close(d);
    put_file(folder, "checkpoint", "model_checkpoint_path: \"ckpt-0\"\n");
    d = open_reading(root);
    assert_string_equal(od_model_dir_newest(d), inner);
    od_model_dir_close(d);
    assert_int_equal(od_model_dir_open_for_training(&d, root, 7, &err), OD_ERR_ARG);
    assert_non_null(strstr(err.message, "zoo"));
    od_free(folder);
}

static void test_named_but_unusable(void **state)
{
    (void)state;
    char dir[512];
    test_tmp_path(dir, sizeof dir, "unusable");
    od_model_dir *d = open_training(dir, 7);
    for (int i = 1; i <= 3; i++) assert_int_equal(save(d, i, NULL), OD_OK);
    od_model_dir_close(d);
    /* The state file lists an older one as the newest: that's the user's wish, and nothing later is overwritten. */
    put_file(dir, "checkpoint", "model_checkpoint_path: \"ckpt-2\"\nall_model_checkpoint_paths: \"ckpt-1\"\nall_model_checkpoint_paths: \"ckpt-2\"\n"
                                "all_model_checkpoint_paths: \"ckpt-3\"\n");
    d = open_training(dir, 7);
    assert_int_equal(step_of(od_model_dir_newest(d)), 2);
    assert_int_equal(od_model_dir_next_number(d), 4);
    od_model_dir_close(d);
    /* Damaged: the one before. */
    put_file(dir, "checkpoint", "model_checkpoint_path: \"ckpt-3\"\nall_model_checkpoint_paths: \"ckpt-2\"\nall_model_checkpoint_paths: \"ckpt-3\"\n");
    put_file(dir, "ckpt-3.index", "not an index");
    d = open_reading(dir);
    assert_names(d, "ckpt-2");
    assert_int_equal(step_of(od_model_dir_newest(d)), 2);
    od_model_dir_close(d);
    /* A damaged state file, and none: the files themselves, by number. */
    put_file(dir, "checkpoint", "model_checkpoint_path: \"ckp");
    d = open_reading(dir);
    assert_names(d, "ckpt-1 ckpt-2");
    od_model_dir_close(d);
    char *path = od_path_join(dir, "ckpt-2.data-00000-of-00001");
    assert_int_equal(truncate(path, 3), 0);
    od_free(path);
    path = od_path_join(dir, "checkpoint");
    assert_int_equal(remove(path), 0);
    od_free(path);
    d = open_reading(dir);
    assert_names(d, "ckpt-1");
    assert_int_equal(od_model_dir_offer_best(d, "mAP", 1, 1, &(int){0}, NULL), OD_ERR_ARG);
    od_model_dir_close(d);
}

static void test_leftovers_are_removed(void **state)
{
    (void)state;
    char dir[512], dead[64], mine[64], alive[64];
    test_tmp_path(dir, sizeof dir, "leftovers");
    pid_t child = fork();
    if (child == 0) _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    od_model_dir *d = open_training(dir, 7);
    assert_int_equal(save(d, 1, NULL), OD_OK);
    od_model_dir_close(d);
    snprintf(dead, sizeof dead, "ckpt-2.index.tmp-%ld", (long)child);
    snprintf(mine, sizeof mine, "checkpoint.tmp-%ld", (long)getpid());
    snprintf(alive, sizeof alive, "best.json.tmp-%ld", (long)getppid());
    put_file(dir, dead, "x");
    put_file(dir, mine, "x");
    put_file(dir, alive, "x");
    put_file(dir, "ckpt-7.data-00000-of-00001", "x");
    put_file(dir, "notes.tmp-1", "x");
    od_model_dir_close(open_reading(dir));
    assert_true(exists_in(dir, dead));
    od_model_dir_close(open_training(dir, 7));
    assert_false(exists_in(dir, dead));
    assert_false(exists_in(dir, mine));
    assert_false(exists_in(dir, "ckpt-7.data-00000-of-00001"));
    assert_true(exists_in(dir, alive));
    assert_true(exists_in(dir, "notes.tmp-1"));
    assert_true(exists_in(dir, "ckpt-1.data-00000-of-00001"));
}

/* The disk fills up after n more bytes, for every n of a save: the folder keeps what it had, or has the new one too. */
static void test_disk_full(void **state)
{
    (void)state;
    char dir[512];
    od_status status = OD_ERR_IO;
    test_tmp_path(dir, sizeof dir, "full");
    od_model_dir *d = open_training(dir, 1);
    assert_int_equal(save(d, 1, NULL), OD_OK);
    for (long long n = 0; status != OD_OK; n++) {
        od_error err = {0};
        od_file_fail_after(n);
        status = save(d, 2, &err);
        od_file_fail_after(-1);
        if (status != OD_OK) assert_non_null(strstr(err.message, "No space left"));
        od_model_dir *fresh = open_reading(dir);
        assert_int_equal(step_of(od_model_dir_newest(fresh)), status == OD_OK ? 2 : 1);
        od_model_dir_close(fresh);
        assert_true(n < 2000);
    }
    assert_names(d, "ckpt-2");
    od_model_dir_close(d);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    char dir[512];
    od_status status = OD_ERR_NOMEM;
    test_tmp_path(dir, sizeof dir, "nomem");
    od_model_dir *d = open_training(dir, 1);
    assert_int_equal(save(d, 1, NULL), OD_OK);
    assert_int_equal(od_model_dir_offer_best(d, "mAP", 0.5, 1, &(int){0}, NULL), OD_OK);
    od_model_dir_close(d);
    for (long n = 1; status != OD_OK; n++) {
        od_error err = {0};
        d = NULL;
        od_alloc_fail_after(n);
        status = od_model_dir_open_for_training(&d, dir, 1, &err);
        if (status == OD_OK) status = save(d, 2, &err);
        od_alloc_fail_after(0);
        od_model_dir_close(d);
        d = open_reading(dir);
        int64_t step = step_of(od_model_dir_newest(d));
        assert_in_range(step, 1, 2);
        if (status == OD_OK) assert_int_equal(step, 2);
        od_model_dir_close(d);
        assert_true(n < 2000);
    }
}

static void train_until_killed(const char *dir)
{
    od_model_dir *d;
    od_error err = {0};
    if (od_model_dir_open_for_training(&d, dir, 2, &err)) _exit(1);
    int64_t step = od_model_dir_newest(d) ? step_of(od_model_dir_newest(d)) : 0;
    for (;;) {
        int is_best;
        if (save(d, ++step, &err)) _exit(2);
        if (od_model_dir_offer_best(d, "mAP", (double)(step % 5), step, &is_best, &err)) _exit(3);
    }
}

static size_t file_count(const char *dir)
{
    size_t n = 0;
    DIR *stream = opendir(dir);
    while (readdir(stream)) n++;
    closedir(stream);
    return n;
}

/* kill -9 at many moments: there is always a newest checkpoint, never older than before, and no litter piles up. */
static void test_killed_at_any_moment(void **state)
{
    (void)state;
    char dir[512];
    int64_t last = 0;
    test_tmp_path(dir, sizeof dir, "killed");
    od_model_dir_close(open_training(dir, 2));
    for (int i = 0; i < 40; i++) {
        pid_t child = fork();
        if (child == 0) train_until_killed(dir);
        usleep((useconds_t)(2000 + 613 * i));
        kill(child, SIGKILL);
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        od_model_dir *d = open_reading(dir);
        int64_t step = od_model_dir_newest(d) ? step_of(od_model_dir_newest(d)) : 0;
        assert_true(step >= last);
        last = step;
        od_model_dir_close(d);
    }
    assert_true(last > 0);
    /* Two newest, the best, and at most one a kill that was named no longer but not yet deleted. */
    od_model_dir_close(open_training(dir, 2));
    assert_true(file_count(dir) <= 2 + 2 + 2 * (3 + 40));
}

static void test_missing_and_unwritable(void **state)
{
    (void)state;
    char dir[512];
    od_model_dir *d;
    od_error err = {0};
    test_tmp_path(dir, sizeof dir, "nothing-here");
    assert_int_equal(od_model_dir_open(&d, dir, &err), OD_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "not found"));
    put_file("/", dir, "a file");
    assert_int_equal(od_model_dir_open(&d, dir, &err), OD_ERR_NOT_FOUND);
    assert_int_equal(od_model_dir_open_for_training(&d, dir, 7, &err), OD_ERR_IO);
}

/* As root no folder is read-only, so the test becomes "nobody" for a while. */
static void test_read_only(void **state)
{
    (void)state;
    char dir[512];
    od_model_dir *d;
    od_error err = {0};
    uid_t was = geteuid();
    test_tmp_path(dir, sizeof dir, "read-only");
    d = open_training(dir, 7);
    assert_int_equal(save(d, 1, NULL), OD_OK);
    char *parent = od_path_dir(dir);
    assert_int_equal(chmod(parent, 0755), 0);
    assert_int_equal(chmod(dir, 0555), 0);
    if (was == 0) assert_int_equal(seteuid(65534), 0);
    od_status late = save(d, 2, NULL), early = od_model_dir_open_for_training(&(od_model_dir *){NULL}, dir, 7, &err);
    od_model_dir *reader = open_reading(dir);
    int64_t step = step_of(od_model_dir_newest(reader));
    od_model_dir_close(reader);
    if (was == 0) assert_int_equal(seteuid(was), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(late, OD_ERR_IO);
    assert_int_equal(early, OD_ERR_IO);
    assert_non_null(strstr(err.message, "Permission denied"));
    assert_int_equal(step, 1);
    od_model_dir_close(d);
    od_free(parent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_parse),
        cmocka_unit_test(test_state_refuses),
        cmocka_unit_test(test_save_and_keep),
        cmocka_unit_test(test_moved_folder),
        cmocka_unit_test(test_zoo_folder),
        cmocka_unit_test(test_named_but_unusable),
        cmocka_unit_test(test_leftovers_are_removed),
        cmocka_unit_test(test_disk_full),
        cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_killed_at_any_moment),
        cmocka_unit_test(test_missing_and_unwritable),
        cmocka_unit_test(test_read_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
