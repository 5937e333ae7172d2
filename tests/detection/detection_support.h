/* SPDX-License-Identifier: Apache-2.0
 *
 * For the tests of src/detection/: configs from text, random arrays, a run of a function with every allocation failing in turn.
 */
#ifndef DETECTION_SUPPORT_H
#define DETECTION_SUPPORT_H

#include "test_support.h"

#include "config/text_format.h"
#include "util/alloc.h"
#include "util/rng.h"

#include "center_net.pb-c.h"
#include "ssd.pb-c.h"

#include <math.h>
#include <string.h>

/* Parses a message of the given type; the test fails on a syntax error. Free the tree with od_text_tree_free. */
static inline const void *parse_message(const ProtobufCMessageDescriptor *type, const char *text, od_text_tree **tree)
{
    od_error err = {0};
    if (od_text_parse(type, text, strlen(text), "test", tree, &err) != OD_OK) fail_msg("%s", err.message);
    return od_text_tree_root(*tree);
}

#define PARSE(name, text, tree) parse_message(&object_detection__protos__##name##__descriptor, text, tree)

static inline void fill_uniform(float *x, int64_t n, uint64_t stream, float low, float high)
{
    od_rng rng;
    od_rng_init(&rng, 7, stream);
    for (int64_t i = 0; i < n; i++) x[i] = od_rng_uniform_range(&rng, low, high);
}

/* n boxes with sides up to `side`, somewhere within (and a little outside) the unit square. */
static inline void fill_boxes(float *boxes, int64_t n, uint64_t stream, float side)
{
    od_rng rng;
    od_rng_init(&rng, 11, stream);
    for (int64_t i = 0; i < n; i++) {
        float y = od_rng_uniform_range(&rng, -0.1f, 1), x = od_rng_uniform_range(&rng, -0.1f, 1);
        boxes[4 * i] = y;
        boxes[4 * i + 1] = x;
        boxes[4 * i + 2] = y + od_rng_uniform_range(&rng, 0.01f, side);
        boxes[4 * i + 3] = x + od_rng_uniform_range(&rng, 0.01f, side);
    }
}

/* |a - b| relative to max(|b|, floor). */
static inline double relative_error(double a, double b, double floor)
{
    return fabs(a - b) / (fabs(b) > floor ? fabs(b) : floor);
}

/* Runs `call` (an expression of type od_status) with the first, second, ... allocation failing until it succeeds; each
 * failure must be OD_ERR_NOMEM, and there must have been one. */
#define ASSERT_SURVIVES_ALLOCATION_FAILURES(call) \
    do { \
        int attempts_ = 0; \
        od_status status_; \
        do { \
            od_alloc_fail_after(++attempts_); \
            status_ = (call); \
            od_alloc_fail_after(0); \
            if (status_ != OD_OK) assert_int_equal(status_, OD_ERR_NOMEM); \
        } while (status_ != OD_OK && attempts_ < 10000); \
        assert_int_equal(status_, OD_OK); \
        assert_true(attempts_ > 1); \
    } while (0)

#endif
