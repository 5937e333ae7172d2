/* SPDX-License-Identifier: Apache-2.0
 *
 * Pasted masks against the OD API's (data/mask_paste.safetensors by tests/oracle/mask_paste.py), row by row and column by column.
 */
#include "checkpoint/safetensors.h"
#include "detection/mask_paste.h"
#include "test_support.h"

static const od_safetensors_entry *entry(const od_safetensors *st, int n, const char *leaf)
{
    char key[64];
    snprintf(key, sizeof key, "case/%d/%s", n, leaf);
    const od_safetensors_entry *e = od_safetensors_find(st, key);
    if (!e) fail_msg("no %s", key);
    return e;
}

static void test_reference(void **state)
{
    (void)state;
    char path[512];
    od_safetensors *st;
    int64_t inside = 0;
    test_source_path(path, sizeof path, "tests/detection/data/mask_paste.safetensors");
    assert_int_equal(od_safetensors_open(&st, path, NULL), OD_OK);
    for (int n = 0; n < 5; n++) {
        const od_safetensors_entry *masks = entry(st, n, "masks"), *pasted = entry(st, n, "pasted");
        const float *boxes = entry(st, n, "boxes")->data;
        int mh = (int)masks->shape[1], mw = (int)masks->shape[2], h = (int)pasted->shape[1], w = (int)pasted->shape[2];
        uint8_t *rows = malloc((size_t)(h * w)), *columns = malloc((size_t)(h * w));
        for (int k = 0; k < masks->shape[0]; k++) {
            const uint8_t *want = (const uint8_t *)pasted->data + k * h * w;
            od_mask_paste((const float *)masks->data + k * mh * mw, mh, mw, boxes + 4 * k, h, w, rows, w, 1);
            od_mask_paste((const float *)masks->data + k * mh * mw, mh, mw, boxes + 4 * k, h, w, columns, 1, h);
            for (int i = 0; i < h * w; i++) {
                if (rows[i] != want[i]) fail_msg("case %d, mask %d: pixel %d, %d is %d", n, k, i / w, i % w, rows[i]);
                assert_int_equal(columns[i % w * h + i / w], rows[i]);
                inside += rows[i];
            }
        }
        free(rows);
        free(columns);
    }
    assert_in_range(inside, 2000, 100000);
    od_safetensors_close(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
