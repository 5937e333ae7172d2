/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry of fields: complete, without rows in vain, and docs/CONFIG.md is what it prints.
 */
#define _GNU_SOURCE
#include "test_support.h"

#include "config/config.h"
#include "config/fields.h"
#include "config/support.h"
#include "util/alloc.h"
#include "util/file.h"

#include <string.h>

static void count_missing(void *user, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    const od_field_row *row = od_field_find(type->short_name, field->name);
    int *counts = user;
    counts[0]++;
    if (row && (row->what || row->tf2) && (row->fix || (row->kind != OD_FIELD_INVALID && row->kind != OD_FIELD_IGNORED))) return;
    print_message("%s.%s has no row in src/config/fields_*.c\n", type->short_name, field->name);
    counts[1]++;
}

static void test_every_field_has_a_row(void **state)
{
    (void)state;
    int counts[2] = {0, 0};
    od_field_walk(&object_detection__protos__train_eval_pipeline_config__descriptor, count_missing, counts);
    assert_int_equal(counts[0], 836);
    assert_int_equal(counts[1], 0);
    const od_field_row *bad = od_field_bad_row();
    if (bad) fail_msg("%s.%s: no message has it, or it stands twice", bad->type, bad->field);
}

static void read_source(const char *name, od_strbuf *out)
{
    char path[500];
    test_source_path(path, sizeof path, name);
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, path, NULL), OD_OK);
    od_strbuf_append(out, view.data, view.size);
    od_file_view_close(&view);
}

/* The 244 paths that the zoo's configs use (zoo_field_paths.txt, of ../shared/reference/tf_od_config_fields.tsv): each leads to a field
 * with a line on the page, and none to one that is refused. */
static void test_zoo_paths(void **state)
{
    (void)state;
    od_strbuf text = {0}, page = {0};
    read_source("tests/config/zoo_field_paths.txt", &text);
    od_fields_format_page(&page);
    int count = 0, missing = 0, refused = 0, kinds[OD_FIELD_INVALID + 1] = {0};
    char *rest = text.data;
    for (char *path; (path = strsep(&rest, "\n")) && *path;) {
        const ProtobufCMessageDescriptor *type = NULL;
        const ProtobufCFieldDescriptor *field = od_field_at_path(path, &type);
        assert_non_null(field);
        char section[128], row[128];
        snprintf(section, sizeof section, "\n## %s\n", type->short_name);
        snprintf(row, sizeof row, "\n| `%s` |", field->name);
        const char *at = strstr(page.data, section), *end = at ? strstr(at + 1, "\n## ") : NULL, *line = at ? strstr(at, row) : NULL;
        count++;
        const od_field_row *row_here = od_field_find(type->short_name, field->name);
        assert_non_null(row_here);
        kinds[row_here->kind]++;
        refused += od_support_field(type, field) == OD_SUPPORT_NO || row_here->kind == OD_FIELD_INVALID;
        if (line && (!end || line < end)) continue;
        print_message("docs/CONFIG.md has no row for %s\n", path);
        missing++;
    }
    assert_int_equal(count, 244);
    assert_int_equal(missing, 0);
    /* None is refused. What is ignored is so by TensorFlow 2, too (a row of that kind says where), and a warning tells it. */
    print_message("%d as TF2, %d differ, %d without effect, %d ignored by TF2 as well\n", kinds[OD_FIELD_SAME], kinds[OD_FIELD_DIFFERS], kinds[OD_FIELD_NO_EFFECT], kinds[OD_FIELD_IGNORED]);
    assert_int_equal(refused, 0);
    assert_int_equal(kinds[OD_FIELD_IGNORED], 6);
    od_strbuf_deinit(&text);
    od_strbuf_deinit(&page);
}

static void test_the_page_is_up_to_date(void **state)
{
    (void)state;
    od_strbuf committed = {0}, page = {0};
    read_source("docs/CONFIG.md", &committed);
    od_fields_format_page(&page);
    if (strcmp(committed.data, page.data)) fail_msg("docs/CONFIG.md is old; make it anew: build/objdet config fields --markdown > docs/CONFIG.md");
    od_strbuf_deinit(&committed);
    od_strbuf_deinit(&page);
}

static void test_one_field(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(od_config_describe_fields("train_config.use_bfloat16", &text, &size, NULL), OD_OK);
    assert_string_equal(text, "use_bfloat16 (bool, default false): ignored: used on TPUs only; fix: remove it: it works on TPUs only\n");
    od_config_text_free(text);
    assert_int_equal(od_config_describe_fields("model.ssd.matcher.argmax_matcher.matched_threshold", &text, &size, NULL), OD_OK);
    assert_string_equal(text, "matched_threshold (float, default 0.5): as TF2: from this similarity on an anchor is matched\n");
    od_config_text_free(text);
    assert_int_equal(od_config_describe_fields("model.ssd.similarity_calculator.thresholded_iou_similarity", &text, &size, NULL), OD_OK);
    assert_non_null(strstr(text, "\n    iou_threshold (float, default 0.5): as TF2: its threshold\n"));
    od_config_text_free(text);
    od_error err = {0};
    assert_int_equal(od_config_describe_fields("model.ssd.los", &text, &size, &err), OD_ERR_NOT_FOUND);
    assert_string_equal(err.message, "model.ssd.los: no such field; expected a path such as model.ssd.loss");
    for (const char *const *p = (const char *const[]){"", ".", "model.", "model.ssd..loss", "model[", "eval_input_reader[].name", NULL}; *p; p++) {
        const ProtobufCMessageDescriptor *type = NULL;
        const ProtobufCFieldDescriptor *field = od_field_at_path(*p, &type);
        assert_true((field != NULL) == (!strcmp(*p, "model.") || !strcmp(*p, "model[") || !strcmp(*p, "eval_input_reader[].name")));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_field_has_a_row),
        cmocka_unit_test(test_zoo_paths),
        cmocka_unit_test(test_the_page_is_up_to_date),
        cmocka_unit_test(test_one_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
