/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole training (input, steps, checkpoint, evaluation, event files) in which one allocation fails, or the disk is
 * full after some bytes: it ends with a clear status, the checkpoint that was there before stays, and the training that
 * goes on afterwards ends with the very weights of one that nothing happened to.
 */
#include "checkpoint/model_dir.h"
#include "objdet/synth.h"
#include "objdet/train.h"
#include "test_support.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

enum { BASE_STEP = 1, END_STEP = 2 };

static char config[640], base[600], whole[600], victim[600];

static void edit(const char *expression)
{
    char command[1600];
    snprintf(command, sizeof command, "sed -i '%s' '%s'", expression, config);
    assert_int_equal(system(command), 0);
}

static od_status train(const char *dir, int64_t steps, int64_t eval_every_n, od_error *err)
{
    od_train_options o = od_train_options_default();
    o.pipeline_config_path = config;
    o.model_dir = dir;
    o.num_train_steps = steps;
    o.eval_every_n = eval_every_n;
    o.seed = 5;
    o.num_threads = 2;
    return od_train_run(&o, err);
}

static int set_up(void **state)
{
    (void)state;
    char data[600];
    test_tmp_path(data, sizeof data, "data");
    test_tmp_path(base, sizeof base, "base");
    test_tmp_path(whole, sizeof whole, "whole");
    test_tmp_path(victim, sizeof victim, "victim");
    od_synth_options o;
    od_synth_options_default(&o);
    o.output_dir = data;
    o.train = 4, o.val = 2, o.test = 0;
    od_error err = {0};
    assert_int_equal(od_synth(&o, &err), OD_OK);
    snprintf(config, sizeof config, "%s/pipeline.config", data);
    edit("s/height: 192 width: 192/height: 64 width: 64/; s/batch_size: 8/batch_size: 2/; s/num_steps: 1500/num_steps: "
         "2/;"
         "s/total_steps: 1500/total_steps: 2/; s/warmup_steps: 60/warmup_steps: 1/");
    if (train(base, BASE_STEP, 0, &err) != OD_OK) fail_msg("%s", err.message);
    char copy[1300];
    snprintf(copy, sizeof copy, "cp -r '%s' '%s'", base, whole);
    assert_int_equal(system(copy), 0);
    if (train(whole, END_STEP, 0, &err) != OD_OK) fail_msg("%s", err.message);
    return 0;
}

static void fresh_victim(void)
{
    char command[2000];
    snprintf(command, sizeof command, "rm -rf '%s' && cp -r '%s' '%s'", victim, base, victim);
    assert_int_equal(system(command), 0);
}

/* The victim's newest checkpoint is complete, and going on from it gives the weights of the undisturbed run. */
static void check_victim(void)
{
    od_error err = {0};
    od_model_dir *dir = NULL;
    assert_int_equal(od_model_dir_open(&dir, victim, &err), OD_OK);
    assert_true(od_model_dir_count(dir) >= 1);
    od_model_dir_close(dir);
    if (train(victim, END_STEP, 0, &err) != OD_OK) fail_msg("afterwards: %s", err.message);
    assert_int_equal(od_model_dir_open(&dir, victim, &err), OD_OK);
    char command[2600];
    snprintf(command, sizeof command, "cmp -s '%s.data-00000-of-00001' '%s/ckpt-2.data-00000-of-00001'",
             od_model_dir_newest(dir), whole);
    assert_int_equal(system(command), 0);
    od_model_dir_close(dir);
}

static void test_allocation_failures(void **state)
{
    (void)state;
    int failures = 0, runs = 0;
    for (long n = 1;; n += 1 + n / 3, runs++) {
        fresh_victim();
        od_error err = {0};
        od_alloc_fail_after(n);
        od_status status = train(victim, END_STEP, 1, &err);
        od_alloc_fail_after(0);
        if (status == OD_OK) {
            check_victim();
            if (runs > 20 && n > 40000) break; /* beyond the last allocation */
            continue; /* the failure met something that may be left out, such as a note; never an example */
        }
        if (status != OD_ERR_NOMEM) fail_msg("allocation %ld: %s: %s", n, od_status_text(status), err.message);
        assert_true(strlen(err.message) > 0);
        failures++;
        if (runs % 6 == 0) check_victim();
    }
    print_message("%d failures in %d runs\n", failures, runs);
    assert_true(failures > 15);
}

static void test_full_disk(void **state)
{
    (void)state;
    int failures = 0;
    for (long long bytes = 0;; bytes = bytes * 3 + 777) {
        fresh_victim();
        od_error err = {0};
        od_file_fail_after(bytes);
        od_status status = train(victim, END_STEP, 1, &err);
        od_file_fail_after(-1);
        if (status == OD_OK) break;
        if (status != OD_ERR_IO) fail_msg("after %lld bytes: %s: %s", bytes, od_status_text(status), err.message);
        assert_non_null(strstr(err.message, "No space left on device"));
        failures++;
        check_victim();
    }
    assert_true(failures > 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocation_failures),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
