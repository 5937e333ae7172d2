/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/data/config_accept.txt, a table of what the OD API accepts and what it understands (made by
 * tests/oracle/config_accept.py): the parser must agree on every entry.
 */
#define _GNU_SOURCE
#include "test_support.h"

#include "config/config.h"
#include "config/message.h"
#include "util/file.h"

#include <string.h>

typedef struct block {
    const char *text;
    size_t size;
} block;

/* The text between two "=== kind" lines; moves *at to the next such line. */
static int next_block(const char **at, const char *end, char kind[16], block *out)
{
    if (*at >= end || sscanf(*at, "=== %15[a-z]\n", kind) != 1) return 0;
    const char *start = memchr(*at, '\n', (size_t)(end - *at)), *stop = end;
    assert_non_null(start);
    start++;
    const char *next = memmem(start - 1, (size_t)(end - start + 1), "\n=== ", 5);
    if (next) stop = next + 1;
    *out = (block){start, (size_t)(stop - start)};
    *at = stop;
    return 1;
}

/* NULL when it's rejected. */
static od_config *parse(block b)
{
    od_config *config = NULL;
    od_error err = {0};
    od_status status = od_config_parse(b.text, b.size, "snippet", &config, &err);
    if (status != OD_OK) {
        assert_int_equal(status, OD_ERR_CONFIG);
        assert_int_equal(strncmp(err.message, "snippet:", 8), 0);
    }
    return config;
}

static void test_agrees_with_the_od_api(void **state)
{
    (void)state;
    char path[400], kind[16];
    test_source_path(path, sizeof path, "tests/data/config_accept.txt");
    od_file_view view;
    assert_int_equal(od_file_view_open(&view, path, NULL), OD_OK);
    const char *at = (const char *)view.data, *end = at + view.size;
    at = memmem(at, view.size, "=== ", 4);
    assert_non_null(at);
    int accepted = 0, rejected = 0, wrong = 0;
    block b = {0}, meaning = {0};
    while (next_block(&at, end, kind, &b)) {
        od_config *config = parse(b);
        int accept = !strcmp(kind, "accept");
        if (accept != (config != NULL)) {
            wrong++;
            print_message("the OD API %ss this, objdet doesn't:\n%.*s\n", kind, (int)b.size, b.text);
        }
        accepted += accept;
        rejected += !accept;
        if (accept) {
            assert_true(next_block(&at, end, kind, &meaning));
            od_config *canonical = parse(meaning);
            assert_non_null(canonical);
            if (config && !od_message_equal(od_text_tree_root(od_config_tree(config)), od_text_tree_root(od_config_tree(canonical)))) {
                wrong++;
                print_message("is not understood as the OD API does:\n%.*s\n", (int)b.size, b.text);
            }
            od_config_free(canonical);
        }
        od_config_free(config);
    }
    assert_true(at == end);
    od_file_view_close(&view);
    assert_int_equal(wrong, 0);
    assert_true(accepted > 80 && rejected > 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_agrees_with_the_od_api)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
