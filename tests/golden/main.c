/* SPDX-License-Identifier: Apache-2.0
 *
 * test_golden [--dump=DIR] [--no_fusion] [--no_chains] [--curve] [--corners] [--threads=N] FIXTURE_DIR...: a line a quantity (error, bound); exit 1 when one is
 * out. --curve: only the loss over many steps. --corners: only activations that a number of threads moves over a corner. The instruction set is OBJDET_ISA's.
 */
#include "golden.h"

#include "util/alloc.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static od_status read_case_json(golden_case *c, od_error *err)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/case.json", c->dir);
    json_error_t e;
    json_t *root = json_load_file(path, 0, &e);
    if (!root) return od_error_set(err, OD_ERR_FORMAT, "%s:%d: %s", path, e.line, e.text);
    c->learning_rate = (float)json_number_value(json_object_get(root, "learning_rate"));
    c->small = json_is_true(json_object_get(root, "small"));
    c->with_masks = json_is_true(json_object_get(root, "masks"));
    json_decref(root);
    return OD_OK;
}

static od_status open_tensors(const golden_case *c, const char *name, od_safetensors **out, od_error *err)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.safetensors", c->dir, name);
    return od_safetensors_open(out, path, err);
}

static od_status read_truth(golden_case *c, od_error *err)
{
    const od_safetensors_entry *image = golden_entry(c->forward, "image");
    if (!image || image->rank != 4 || image->dtype != OD_U8) return od_error_set(err, OD_ERR_FORMAT, "%s: no uint8 image [N,H,W,3]", c->dir);
    c->batch = image->shape[0];
    c->truth = od_calloc((size_t)c->batch, sizeof *c->truth);
    if (!c->truth) return od_error_nomem(err, "ground truth");
    for (int64_t i = 0; i < c->batch; i++) {
        const od_safetensors_entry *boxes = golden_entry(c->train, "boxes/%lld", (long long)i), *classes = golden_entry(c->train, "classes/%lld", (long long)i);
        if (!boxes || !classes) return od_error_set(err, OD_ERR_FORMAT, "%s/train.safetensors: boxes/%lld or classes/%lld is missing", c->dir, (long long)i, (long long)i);
        c->truth[i] = (od_groundtruth){.boxes = boxes->data, .classes = classes->data, .count = boxes->shape[0]};
    }
    return OD_OK;
}

static od_status run_case(golden_case *c, const char *dump_dir, od_error *err)
{
    char path[1024];
    OD_TRY(read_case_json(c, err));
    OD_TRY(golden_noise_read(c->dir, c->name, &c->noise, err));
    snprintf(path, sizeof path, "%s/pipeline.config", c->dir);
    OD_TRY(od_config_load(path, &c->config, err));
    OD_TRY(od_model_create(&c->model, c->config, 1, err));
    OD_TRY(od_preprocess_init(&c->preprocess, od_config_proto(c->config)->model, err));
    OD_TRY(open_tensors(c, "forward", &c->forward, err));
    OD_TRY(open_tensors(c, "train", &c->train, err));
    OD_TRY(open_tensors(c, "moving", &c->moving, err));
    OD_TRY(read_truth(c, err));
    OD_TRY(golden_reset_variables(c, err));
    OD_TRY(golden_check_variables(c, err));
    OD_TRY(golden_preprocess(c, err));
    for (int64_t i = 0; i < c->batch; i++) c->truth[i].true_shape = c->true_shapes[i];
    if (c->corners_only) return golden_print_corners(c, err);
    if (!c->curve_only) OD_TRY(golden_check_forward(c, err));
    if (c->with_masks) OD_TRY(golden_make_masks(c, err));
    if (!c->curve_only) OD_TRY(golden_check_targets(c, err));
    if (!c->curve_only) OD_TRY(golden_check_training(c, err));
    OD_TRY(golden_check_curve(c, err));
    if (!dump_dir) return OD_OK;
    OD_TRY(golden_dump_write(&c->forward_dump, dump_dir, c->name, "forward", err));
    return golden_dump_write(&c->train_dump, dump_dir, c->name, "train", err);
}

static void free_case(golden_case *c)
{
    golden_dump_free(&c->forward_dump);
    golden_dump_free(&c->train_dump);
    for (int64_t i = 0; c->truth && i < c->batch; i++) od_free((uint8_t *)c->truth[i].masks);
    od_free(c->truth);
    od_free(c->true_shapes);
    od_aligned_free(c->images);
    od_safetensors_close(c->forward);
    od_safetensors_close(c->train);
    od_safetensors_close(c->moving);
    od_model_free(c->model);
    od_config_free(c->config);
}

enum { CURVE = 1, CORNERS = 2 };

/* Failures of one folder. */
static int check_folder(char *dir, const char *dump_dir, int only, const od_net_options *options)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/') dir[--n] = 0;
    const char *slash = strrchr(dir, '/');
    golden_case c = {.dir = dir, .name = slash ? slash + 1 : dir, .dumping = dump_dir != NULL, .curve_only = only & CURVE, .corners_only = only & CORNERS, .options = options};
    od_error err = {0};
    if (run_case(&c, dump_dir, &err) != OD_OK) {
        printf("FAIL  %s: %s\n", dir, err.message);
        c.failures++;
    }
    free_case(&c);
    return c.failures;
}

int main(int argc, char **argv)
{
    const char *dump_dir = NULL;
    od_net_options options = {.no_drop = 1};
    int folders = 0, failed = 0, only = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        if (!strncmp(argv[i], "--dump=", 7)) {
            dump_dir = argv[i] + 7;
        } else if (!strcmp(argv[i], "--no_fusion")) {
            options.no_fusion = 1;
        } else if (!strcmp(argv[i], "--no_chains")) {
            options.no_chains = 1;
        } else if (!strcmp(argv[i], "--curve")) {
            only |= CURVE;
        } else if (!strcmp(argv[i], "--corners")) {
            only |= CORNERS;
        } else if (!strncmp(argv[i], "--threads=", 10)) {
            options.threads = atoi(argv[i] + 10);
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "usage: test_golden [--dump=DIR] [--no_fusion] [--no_chains] [--curve] [--corners] [--threads=N] FIXTURE_DIR...\n");
            return 2;
        } else {
            folders++;
            failed += check_folder(argv[i], dump_dir, only, &options) != 0;
        }
    }
    if (!folders) {
        fprintf(stderr, "usage: test_golden [--dump=DIR] [--no_fusion] [--no_chains] [--curve] [--corners] [--threads=N] FIXTURE_DIR...\n");
        return 2;
    }
    printf("%d passed, %d failed\n", folders - failed, failed);
    return failed ? 1 : 0;
}
