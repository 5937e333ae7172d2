/* SPDX-License-Identifier: Apache-2.0
 *
 * The figures of a benchmark as JSON (objdet/bench.h).
 */
#include "objdet/bench.h"
#include "objdet/version.h"

#include "train/detections_file.h"
#include "util/file.h"

static void add_number(od_strbuf *b, const char *name, double x)
{
    od_strbuf_printf(b, "  \"%s\": ", name);
    od_json_append_number(b, x);
    od_strbuf_puts(b, ",\n");
}

static void add_time(od_strbuf *b, const char *name, const char *name_of_min, od_bench_time t)
{
    add_number(b, name, t.median);
    add_number(b, name_of_min, t.min);
}

static void add_op(od_strbuf *b, const od_bench_op *op)
{
    od_strbuf_puts(b, "\"forward_seconds\": ");
    od_json_append_number(b, op->forward_seconds);
    od_strbuf_puts(b, ", \"backward_seconds\": ");
    od_json_append_number(b, op->backward_seconds);
    od_strbuf_puts(b, ", \"gflop\": ");
    od_json_append_number(b, op->gflops);
    od_strbuf_puts(b, "}");
}

static void add_ops(od_strbuf *b, const od_bench_result *r)
{
    od_strbuf_puts(b, "  \"ops\": {");
    for (int i = 0; i < r->op_count; i++) {
        od_strbuf_puts(b, i ? ",\n    " : "\n    ");
        od_json_append_string(b, r->ops[i].name);
        od_strbuf_printf(b, ": {\"nodes\": %d, ", r->ops[i].nodes);
        add_op(b, &r->ops[i]);
    }
    od_strbuf_puts(b, "\n  },\n  \"slowest_nodes\": [");
    for (int i = 0; i < r->slowest_count; i++) {
        od_strbuf_puts(b, i ? ",\n    {\"name\": " : "\n    {\"name\": ");
        od_json_append_string(b, r->slowest[i].name);
        od_strbuf_printf(b, ", \"op\": \"%s\", ", r->slowest[i].kind);
        add_op(b, &r->slowest[i]);
    }
    od_strbuf_puts(b, "\n  ]\n}\n");
}

static void add_times(od_strbuf *b, const od_bench_result *r)
{
    add_time(b, "step_seconds", "step_seconds_min", r->step);
    add_time(b, "step_seconds_with_input", "step_seconds_with_input_min", r->step_with_input);
    add_time(b, "step_seconds_with_postprocessing", "step_seconds_with_postprocessing_min", r->with_postprocessing);
    add_time(b, "batch_1_step_seconds", "batch_1_step_seconds_min", r->single);
    add_time(b, "batch_1_step_seconds_with_postprocessing", "batch_1_step_seconds_with_postprocessing_min", r->single_with_postprocessing);
    add_number(b, "images_per_second", r->images_per_second);
    add_number(b, "startup_seconds", r->startup_seconds);
    add_number(b, "loss_seconds", r->loss_seconds);
    add_number(b, "update_seconds", r->update_seconds);
    add_number(b, "gflop_per_step", r->gflops);
    add_number(b, "gflop_per_second", r->gflops_per_second);
}

od_status od_bench_write_json(const od_bench_result *r, const char *path, od_error *err)
{
    od_strbuf b = {0};
    od_strbuf_printf(&b, "{\n  \"work\": \"%s\",\n  \"isa\": \"%s\",\n  \"batch_size\": %lld,\n  \"height\": %d,\n  \"width\": %d,\n  \"num_threads\": %d,\n",
                     r->training ? "train" : "infer", od_kernels_isa(), (long long)r->batch_size, r->height, r->width, r->num_threads);
    add_times(&b, r);
    od_strbuf_printf(&b, "  \"peak_rss_bytes\": %lld,\n", (long long)r->peak_rss_bytes);
    add_ops(&b, r);
    od_status status = od_strbuf_failed(&b) ? od_error_nomem(err, path) : od_file_write_all(path, b.data, b.size, err);
    od_strbuf_deinit(&b);
    return status;
}
