/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a fuzzer's entry point on files, for replaying seeds and found crashes without libFuzzer:
 * each argument is a file, or a folder of files.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return 0;
    uint8_t *data = NULL;
    size_t size = 0, n;
    char block[65536];
    while ((n = fread(block, 1, sizeof block, f)) > 0) {
        uint8_t *grown = realloc(data, size + n);
        if (!grown) abort();
        data = grown;
        memcpy(data + size, block, n);
        size += n;
    }
    fclose(f);
    /* An exact copy, so that a sanitizer sees a read past the end. */
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact) abort();
    if (size) memcpy(exact, data, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    free(data);
    return 1;
}

int main(int argc, char **argv)
{
    int replayed = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (!dir) {
            replayed += replay_file(argv[i]);
            continue;
        }
        for (struct dirent *entry; (entry = readdir(dir));) {
            char path[4096];
            if (entry->d_name[0] == '.') continue;
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            replayed += replay_file(path);
        }
        closedir(dir);
    }
    printf("replayed %d inputs\n", replayed);
    return replayed ? 0 : 1;
}
