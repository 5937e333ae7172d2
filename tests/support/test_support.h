/* SPDX-License-Identifier: Apache-2.0
 *
 * What every test includes: cmocka, and paths. OD_SHARED_DIR (reference data, optional) may be missing:
 * tests that need it call test_need_shared first and count as skipped.
 */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* A path in this process's own temporary folder (removed at exit). */
void test_tmp_path(char *out, size_t size, const char *name);
/* A path below the source tree, e.g. "tests/data/x.json". */
void test_source_path(char *out, size_t size, const char *name);
/* A path below the shared reference folder; 0 when it doesn't exist. */
int test_shared_path(char *out, size_t size, const char *name);
/* test_shared_path that skips the running test when the file isn't there. */
#define test_need_shared(out, name) \
    do { \
        if (!test_shared_path(out, sizeof(out), name)) { \
            print_message("skipped: needs ../shared/%s\n", name); \
            skip(); \
        } \
    } while (0)

#endif
