/* SPDX-License-Identifier: Apache-2.0
 *
 * Crops of regions.
 */
#include "net_case.h"
#include "test_support.h"

#include <math.h>
#include <string.h>

/* Boxes of two images, some beyond an edge, one without area. */
static const float roi_boxes[6][4] = {{.1f, .2f, .8f, .9f}, {0, 0, 1, 1}, {.5f, .4f, .55f, 1.2f}, {.3f, .3f, .3f, .3f}, {-.1f, .1f, .6f, .45f}, {.2f, .05f, .95f, .3f}};

static void give_boxes(void *user, od_net *net, const od_node *node, float *out)
{
    (void)net;
    (void)node;
    memcpy(out, user, sizeof roi_boxes);
}

static od_value boxes_value(net_case *f, od_value x)
{
    return od_graph_host(&f->g, &x, 1, (od_tensor_shape){6, 1, 1, 4}, give_boxes, (void *)roi_boxes, "boxes");
}

static od_value regions(net_case *f, od_value x, const od_value *levels, int count, od_roi_attrs a)
{
    a.boxes_each = 3;
    return od_graph_roi_crop(&f->g, boxes_value(f, x), levels, count, &a, "crop");
}

static void test_roi_crop_gradients(void **state)
{
    (void)state;
    static const od_roi_attrs kinds[] = {{.crop = 4, .pool = 2, .pool_stride = 2}, {.crop = 5, .pool = 3, .pool_stride = 1, .matmul = 1}, {.crop = 3, .pool = 1, .pool_stride = 1}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        net_case f;
        od_value x, levels[2];
        net_case_begin(&f, 2, 9, 8, 3, &x);
        levels[0] = net_case_bn(&f, net_case_conv(&f, x, 20, 3, 1, OD_PAD_SAME, 0), OD_ACT_SWISH, 0);
        levels[1] = net_case_conv(&f, levels[0], 20, 3, 2, OD_PAD_SAME, 1);
        od_roi_attrs a = kinds[i];
        a.image_ratio = 1.6f; /* so that both levels are used */
        od_value crops = regions(&f, x, levels, 2, a);
        od_value y = net_case_conv(&f, crops, 3, 1, 1, OD_PAD_SAME, 1);
        net_case_finish(&f, y, levels[1]);
        net_case_check(&f, 2e-2);
        net_case_end(&f);
    }
}

/* tf.image.crop_and_resize by hand: one channel whose value is its place, so that samples are coordinates. */
static void test_roi_crop_values(void **state)
{
    (void)state;
    net_case f;
    od_value x;
    net_case_begin(&f, 2, 5, 7, 1, &x);
    od_value y = regions(&f, x, &x, 1, (od_roi_attrs){.crop = 3, .pool = 1, .pool_stride = 1});
    net_case_finish(&f, y, OD_NO_VALUE);
    for (int i = 0; i < 70; i++) f.images[i] = 1 + (float)(i / 35) * 100 + (float)(i % 35 / 7) * 10 + (float)(i % 7);
    od_net *net = net_case_net(&f, OD_NET_INFER, 0, 1);
    od_net_forward(net, f.images);
    for (int b = 0; b < 6; b++)
        for (int i = 0; i < 9; i++) {
            const float *box = roi_boxes[b];
            float row = box[0] * 4 + (float)(i / 3) * ((box[2] - box[0]) * 4 / 2), column = box[1] * 6 + (float)(i % 3) * ((box[3] - box[1]) * 6 / 2);
            int inside = row >= 0 && row <= 4 && column >= 0 && column <= 6;
            double want = inside ? 1 + b / 3 * 100 + 10 * (double)row + (double)column : 0;
            assert_true(fabs(od_net_value(net, y)[b * 9 + i] - want) < 1e-4);
        }
    od_net_free(net);
    net_case_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_roi_crop_gradients),
        cmocka_unit_test(test_roi_crop_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
