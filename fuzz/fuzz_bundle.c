/* SPDX-License-Identifier: Apache-2.0
 *
 * The parsers behind a checkpoint, chosen by the first byte: 0 a whole table (its checksums made right first, or no change to the
 * input would get past them), 1 an object graph, else a pair of files, index and data, whose sizes' ratio the second byte
 * gives, in a folder of their own in shared memory.
 */
#include "checkpoint/checkpoint.h"
#include "checkpoint/object_graph.h"
#include "checkpoint/sstable.h"
#include "checkpoint/tensor_bundle.h"
#include "util/crc32c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Sets the checksum of the block at (offset, size). */
static void mend_block(uint8_t *file, size_t file_size, uint64_t offset, uint64_t size)
{
    if (offset > file_size || size > file_size - offset || file_size - offset - size < 5) return;
    uint32_t crc = od_crc32c_mask(od_crc32c(0, file + offset, (size_t)size + 1));
    for (int i = 0; i < 4; i++) file[offset + size + 1 + (size_t)i] = (uint8_t)(crc >> (8 * i));
}

/* Makes the checksums of the index block and of the blocks whose handles it holds right, as far as they can be found. */
static void mend_table(uint8_t *file, size_t size)
{
    uint64_t v[4];
    if (size < 48) return;
    const uint8_t *p = file + size - 48, *end = p + 40;
    for (int i = 0; i < 4; i++)
        if (od_varint_read(&p, end, &v[i])) return;
    if (v[2] > size || v[3] > size - v[2]) return;
    const uint8_t *entry = file + v[2], *stop = entry + v[3];
    while (entry < stop) {
        uint64_t head[3], offset, block;
        for (int i = 0; i < 3; i++)
            if (od_varint_read(&entry, stop, &head[i])) goto done;
        if (head[1] > (uint64_t)(stop - entry) || head[2] > (uint64_t)(stop - entry) - head[1]) break;
        const uint8_t *handle = entry + head[1];
        entry = handle + head[2];
        if (od_varint_read(&handle, entry, &offset) || od_varint_read(&handle, entry, &block)) break;
        mend_block(file, size, offset, block);
    }
done:
    mend_block(file, size, v[2], v[3]);
}

static void fuzz_graph(const uint8_t *data, size_t size)
{
    od_object_graph *g;
    od_object_path *paths;
    size_t count;
    od_error err;
    if (od_object_graph_parse(&g, data, size, &err) != OD_OK) return;
    if (od_object_graph_variables(g, &paths, &count, &err) == OD_OK) {
        for (size_t i = 0; i < count && i < 100; i++) {
            od_object_graph_slot(g, paths[i].node, "momentum");
            od_object_graph_resolve(g, paths[i].path, NULL, NULL);
        }
        od_object_paths_free(paths, count);
    }
    od_object_graph_free(g);
}

/* One folder in shared memory for the process. */
static const char *folder(void);

static void remove_folder(void)
{
    rmdir(folder());
}

static const char *folder(void)
{
    static char path[64];
    if (!path[0]) {
        snprintf(path, sizeof path, "%s/objdet-fuzz-%ld", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (long)getpid());
        if (mkdir(path, 0700)) abort();
        atexit(remove_folder);
    }
    return path;
}

static void put(const char *path, const uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f)) abort();
}

static void read_everything(const char *prefix)
{
    od_checkpoint *c;
    od_bundle *b;
    od_error err;
    if (od_bundle_open(&b, prefix, &err) == OD_OK) {
        for (size_t i = 0; i < od_bundle_count(b); i++) {
            const void *data;
            const uint8_t *text;
            size_t size;
            od_bundle_data(b, od_bundle_at(b, i), &data, &err);
            od_bundle_string(b, od_bundle_at(b, i), &text, &size, &err);
        }
        od_bundle_close(b);
    }
    if (od_checkpoint_open(&c, prefix, &err) != OD_OK) return;
    for (size_t i = 0; i < od_checkpoint_count(c); i++) {
        od_checkpoint_tensor t;
        int64_t step;
        od_checkpoint_at(c, i, &t, &err);
        od_checkpoint_step(c, &step, &err);
    }
    od_checkpoint_close(c);
}

static void fuzz_files(const uint8_t *data, size_t size, size_t index_size)
{
    char prefix[96], index[128], shard[128];
    uint8_t *mended = malloc(index_size + 1);
    if (!mended) abort();
    memcpy(mended, data, index_size);
    mend_table(mended, index_size);
    snprintf(prefix, sizeof prefix, "%s/ckpt-1", folder());
    snprintf(index, sizeof index, "%s.index", prefix);
    snprintf(shard, sizeof shard, "%s.data-00000-of-00001", prefix);
    put(index, mended, index_size);
    put(shard, data + index_size, size - index_size);
    read_everything(prefix);
    unlink(index);
    unlink(shard);
    free(mended);
}

/* Keeps the reads alive. */
static volatile unsigned sink;

static void fuzz_table(const uint8_t *data, size_t size)
{
    od_sstable *t;
    od_error err;
    uint8_t *mended = malloc(size ? size : 1);
    if (!mended) abort();
    if (size) memcpy(mended, data, size);
    mend_table(mended, size);
    if (od_sstable_parse(&t, mended, size, &err) == OD_OK) {
        unsigned sum = 0;
        for (size_t i = 0; i < od_sstable_count(t); i++) {
            const od_sstable_entry *e = od_sstable_at(t, i);
            for (size_t j = 0; j < e->value_size; j++) sum += e->value[j];
            if (!memchr(e->key, 0, e->key_size) && od_sstable_find(t, e->key) != e) abort();
        }
        sink = sum;
        od_sstable_free(t);
    }
    free(mended);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    uint8_t kind = data[0], ratio = data[1];
    data += 2;
    size -= 2;
    if (kind == 0) fuzz_table(data, size);
    else if (kind == 1) fuzz_graph(data, size);
    else fuzz_files(data, size, size * ratio / 255);
    return 0;
}
