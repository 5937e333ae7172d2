/* SPDX-License-Identifier: Apache-2.0
 *
 * What was resampled, in words, and what a simulation found for samples as small.
 */
#include "eval/bootstrap_text.h"

#include "util/strbuf.h"

#include <inttypes.h>
#include <stdlib.h>

/* How often nominal 95 % intervals covered the truth in 2,000 simulated test sets (1,000 for groups), in percent:
 * bench_coverage coco UNITS 2000, and for groups bench_coverage coco UNITS 1000 2.5 (2.5 images each). Simulated before the intervals' degrees
 * of freedom were estimated: they are wider now. */
typedef struct coverage {
    int64_t units;
    int ap, worst; /* AP; the lowest of the 12 numbers, one of the sizes */
} coverage;

static const coverage of_images[] = {{10, 90, 79}, {20, 90, 87}, {30, 93, 88}, {50, 94, 88}, {100, 94, 91}};
static const coverage of_groups[] = {{10, 90, 88}, {20, 94, 88}, {50, 95, 92}};
enum { ENOUGH_IMAGES = 200, ENOUGH_GROUPS = 100 }; /* from here on 93 to 97 for each of the 12 */

/* The largest simulated sample that is no larger; the smallest one for samples below it. */
static coverage find_coverage(const coverage *table, size_t n, int64_t units)
{
    size_t i = 0;
    while (i + 1 < n && table[i + 1].units <= units) i++;
    return table[i];
}

char *od_resample_warning(const od_bootstrap_info *info)
{
    od_strbuf b = {0};
    od_strbuf_puts(&b, "");
    if (info->units < (info->grouped ? ENOUGH_GROUPS : ENOUGH_IMAGES)) {
        const char *unit = info->grouped ? "groups" : "images";
        coverage c = info->grouped ? find_coverage(of_groups, sizeof of_groups / sizeof *of_groups, info->units)
                                   : find_coverage(of_images, sizeof of_images / sizeof *of_images, info->units);
        od_strbuf_printf(&b, "Warning: %" PRId64 " %s are a small sample. In simulations with %" PRId64 " %s, 95 %% intervals held the "
                             "true AP %d %% of the time, the least sure number (AP by size) %d %%%s.",
                         info->units, unit, c.units, unit, c.ap, c.worst, info->units < c.units ? "; this one is smaller still" : "");
    }
    if (!od_strbuf_failed(&b)) return b.data;
    od_strbuf_deinit(&b);
    return NULL;
}

static char *describe(const od_bootstrap_info *info)
{
    od_strbuf b = {0};
    char *warning = od_resample_warning(info);
    od_strbuf_printf(&b, "%g %% intervals: %s over %" PRId64 " %s", 100 * info->level, info->method, info->units,
                     info->grouped ? "groups" : "images");
    if (info->grouped) od_strbuf_printf(&b, " (%" PRId64 " images)", info->images);
    od_strbuf_printf(&b, ", %" PRId64 " resamples, seed %" PRIu64 ".", info->num_resamples, info->seed);
    if (warning && warning[0]) od_strbuf_printf(&b, "\n%s", warning);
    int failed = !warning || od_strbuf_failed(&b);
    free(warning);
    if (!failed) return b.data;
    od_strbuf_deinit(&b);
    return NULL;
}

char *od_bootstrap_text(const od_bootstrap *b)
{
    od_bootstrap_info info = od_bootstrap_describe(b);
    return describe(&info);
}

char *od_bootstrap_warning(const od_bootstrap *b)
{
    od_bootstrap_info info = od_bootstrap_describe(b);
    return od_resample_warning(&info);
}

char *od_compare_warning(const od_compare *c)
{
    od_bootstrap_info info = od_compare_describe(c);
    return od_resample_warning(&info);
}
