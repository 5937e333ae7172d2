/* SPDX-License-Identifier: Apache-2.0 */
#include "test_support.h"

#include "util/file.h"

#include <string.h>
#include <unistd.h>

static char tmp_dir[256];

static void remove_tmp_dir(void)
{
    char command[400];
    snprintf(command, sizeof command, "rm -rf '%s'", tmp_dir);
    if (system(command)) fprintf(stderr, "could not remove %s\n", tmp_dir);
}

void test_tmp_path(char *out, size_t size, const char *name)
{
    if (!tmp_dir[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(tmp_dir, sizeof tmp_dir, "%s/objdet-test-XXXXXX", base ? base : "/tmp");
        if (!mkdtemp(tmp_dir)) {
            perror(tmp_dir);
            exit(1);
        }
        atexit(remove_tmp_dir);
    }
    snprintf(out, size, "%s/%s", tmp_dir, name);
}

void test_source_path(char *out, size_t size, const char *name)
{
    const char *dir = getenv("OD_SOURCE_DIR");
    snprintf(out, size, "%s/%s", dir ? dir : ".", name);
}

int test_shared_path(char *out, size_t size, const char *name)
{
    const char *dir = getenv("OD_SHARED_DIR");
    snprintf(out, size, "%s/%s", dir ? dir : "../shared", name);
    return od_path_exists(out);
}
