/* SPDX-License-Identifier: Apache-2.0
 *
 * A model's checkpoints through the model: read, and written again. Without arguments a test of each kind of fine-tuning; with them a tool for
 * the oracle's tests (tests/oracle/test_oracle_families.sh):
 *
 *     test_model_checkpoint resume    CONFIG PREFIX OUT_DIR   restores every variable and slot, saves them as OUT_DIR/ckpt-1
 *     test_model_checkpoint fine_tune CONFIG PREFIX OUT_DIR   initialises, then the config's fine-tuning; prints how many variables it took
 */
#include "test_support.h"

#include "checkpoint/checkpoint.h"
#include "train/variables_io.h"
#include "util/file.h"

#include <math.h>
#include <string.h>

static od_status load(const char *kind, const od_config *config, od_model *model, const od_optimizer *optimizer, const char *prefix, int64_t *step, od_error *err)
{
    size_t restored;
    *step = 0;
    if (!strcmp(kind, "resume")) return od_variables_restore(prefix, model, optimizer, step, err);
    od_variables_initialize(od_model_variables(model), 1, 2);
    od_status status = od_variables_fine_tune(config, model, &restored, err);
    if (status == OD_OK) printf("restored %zu of %zu\n", restored, od_model_variables(model)->count);
    return status;
}

static od_status convert(const char *kind, const char *path, const char *prefix, const char *out_dir, od_error *err)
{
    od_config *config;
    od_model *model = NULL;
    od_model_dir *dir = NULL;
    od_optimizer optimizer;
    int64_t step = 0;
    OD_TRY(od_config_load(path, &config, err));
    od_status status = od_model_create(&model, config, 1, err);
    if (status == OD_OK) status = od_optimizer_init(&optimizer, config, 1, err);
    if (status == OD_OK) status = od_optimizer_allocate(&optimizer, od_model_variables(model), err);
    if (status == OD_OK) status = load(kind, config, model, &optimizer, prefix, &step, err);
    if (status == OD_OK) status = od_model_dir_open_for_training(&dir, out_dir, 7, err);
    if (status == OD_OK) status = od_variables_save(dir, model, step, &optimizer, err);
    if (dir) od_model_dir_close(dir);
    od_model_free(model);
    od_config_free(config);
    return status;
}

/* --- the test: a small model with every kind of fine-tuning -------------------------------------------------------------------- */

static const char center_net[] = "model { center_net { num_classes: 2 feature_extractor { type: '%s' depth_multiplier: 0.35 }\n"
                                 "image_resizer { fixed_shape_resizer { height: 64 width: 64 } }\n"
                                 "object_detection_task { task_loss_weight: 1 localization_loss { l1_localization_loss {} } }\n"
                                 "object_center_params { object_center_loss_weight: 1 classification_loss { penalty_reduced_logistic_focal_loss {} } } } }\n"
                                 "train_config { batch_size: 1 fine_tune_checkpoint: '%s' fine_tune_checkpoint_type: '%s' fine_tune_checkpoint_version: V2\n"
                                 "optimizer { adam_optimizer { learning_rate { constant_learning_rate { learning_rate: 0.1 } } } use_moving_average: false } }\n";

static od_config *write_config(const char *extractor, const char *prefix, const char *type)
{
    char path[512], text[2048];
    od_config *config;
    od_error err = {0};
    snprintf(text, sizeof text, center_net, extractor, prefix, type);
    test_tmp_path(path, sizeof path, "pipeline.config");
    assert_int_equal(od_file_write_all(path, text, strlen(text), &err), OD_OK);
    if (od_config_load(path, &config, &err) != OD_OK) fail_msg("%s", err.message);
    return config;
}

/* A checkpoint whose every variable is 7. */
static void write_sevens(char *prefix, size_t size, const char *extractor)
{
    char folder[512];
    od_model *model;
    od_model_dir *dir;
    od_optimizer optimizer;
    od_config *config = write_config(extractor, "none", "full");
    assert_int_equal(od_model_create(&model, config, 1, NULL), OD_OK);
    assert_int_equal(od_optimizer_init(&optimizer, config, 1, NULL), OD_OK);
    assert_int_equal(od_optimizer_allocate(&optimizer, od_model_variables(model), NULL), OD_OK);
    od_variables *vars = od_model_variables(model);
    for (size_t i = 0; i < vars->elements; i++) vars->value[i] = 7;
    test_tmp_path(folder, sizeof folder, extractor);
    assert_int_equal(od_model_dir_open_for_training(&dir, folder, 7, NULL), OD_OK);
    assert_int_equal(od_variables_save(dir, model, 3, &optimizer, NULL), OD_OK);
    snprintf(prefix, size, "%s", od_model_dir_newest(dir));
    od_model_dir_close(dir);
    od_model_free(model);
    od_config_free(config);
}

/* A classification checkpoint of sevens: the network's own paths, below "feature_extractor". */
static void write_classifier(char *prefix, size_t size, const char *extractor, const char *network)
{
    od_model *model;
    od_checkpoint_writer *w;
    od_config *config = write_config(extractor, "none", "full");
    assert_int_equal(od_model_create(&model, config, 1, NULL), OD_OK);
    od_variables *vars = od_model_variables(model);
    for (size_t i = 0; i < vars->elements; i++) vars->value[i] = 7;
    test_tmp_path(prefix, size, "classifier-1");
    assert_int_equal(od_checkpoint_writer_create(&w, prefix, NULL), OD_OK);
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        char path[600];
        if (strncmp(v->name, network, strlen(network))) continue;
        snprintf(path, sizeof path, "feature_extractor%s", v->name + strlen(network));
        assert_int_equal(od_checkpoint_writer_add(w, path, OD_F32, v->rank, v->shape, vars->value + v->offset, NULL), OD_OK);
    }
    assert_int_equal(od_checkpoint_writer_finish(w, NULL), OD_OK);
    od_model_free(model);
    od_config_free(config);
}

/* Which variables became 7: those below `path`. */
static void check_type(const char *prefix, const char *type, const char *path)
{
    od_model *model;
    od_error err = {0};
    size_t restored, expected = 0;
    od_config *config = write_config("mobilenet_v2", prefix, type);
    assert_int_equal(od_model_create(&model, config, 1, NULL), OD_OK);
    od_variables *vars = od_model_variables(model);
    for (size_t i = 0; i < vars->elements; i++) vars->value[i] = 1;
    if (od_variables_fine_tune(config, model, &restored, &err) != OD_OK) fail_msg("%s", err.message);
    for (size_t i = 0; i < vars->count; i++) {
        const od_variable *v = &vars->items[i];
        int inside = !strncmp(v->name, path, strlen(path)) && v->name[strlen(path)] == '/';
        expected += (size_t)inside;
        for (int64_t j = 0; j < v->size; j++)
            if (vars->value[v->offset + j] != (inside ? 7 : 1)) fail_msg("%s: %s is %g", type, v->name, (double)vars->value[v->offset + j]);
    }
    assert_int_equal(restored, expected);
    od_model_free(model);
    od_config_free(config);
}

static void test_fine_tuning(void **state)
{
    (void)state;
    char prefix[512];
    write_sevens(prefix, sizeof prefix, "mobilenet_v2");
    check_type(prefix, "full", "model");
    check_type(prefix, "detection", "model/_feature_extractor");
    write_classifier(prefix, sizeof prefix, "mobilenet_v2", "model/_feature_extractor/_network");
    check_type(prefix, "classification", "model/_feature_extractor/_network");
}

static void expect_error(const char *extractor, const char *prefix, const char *type, const char *part)
{
    od_model *model;
    od_error err = {0};
    size_t restored;
    od_config *config = write_config(extractor, prefix, type);
    assert_int_equal(od_model_create(&model, config, 1, NULL), OD_OK);
    assert_int_not_equal(od_variables_fine_tune(config, model, &restored, &err), OD_OK);
    if (!strstr(err.message, part)) fail_msg("message: %s\nexpected in it: %s", err.message, part);
    od_model_free(model);
    od_config_free(config);
}

static void test_fine_tuning_refused(void **state)
{
    (void)state;
    char prefix[512];
    write_sevens(prefix, sizeof prefix, "hourglass_10");
    expect_error("hourglass_10", prefix, "classification", "hourglass_10 has no classification network");
    expect_error("mobilenet_v2", prefix, "detection", "model/_feature_extractor");
    expect_error("mobilenet_v2", prefix, "classification", "this is a detection checkpoint");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fine_tuning), cmocka_unit_test(test_fine_tuning_refused)};
    od_error err = {0};
    if (argc == 1) return cmocka_run_group_tests(tests, NULL, NULL);
    if (argc != 5) return 2;
    od_status status = convert(argv[1], argv[2], argv[3], argv[4], &err);
    if (status != OD_OK) fprintf(stderr, "%s\n", err.message);
    return status != OD_OK;
}
