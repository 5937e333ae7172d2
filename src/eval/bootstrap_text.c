/* SPDX-License-Identifier: Apache-2.0
 *
 * What was resampled, in words, and what a simulation found for samples as small.
 */
#include "eval/bootstrap_text.h"

#include "util/strbuf.h"

#include <inttypes.h>
#include <stdlib.h>

char *od_resample_warning(const od_bootstrap_info *info)
{
    od_strbuf b = {0};
    od_strbuf_puts(&b, "");
    if (info->units < 100)
        od_strbuf_printf(&b, "Only %" PRId64 " %s: intervals of samples as small cover the truth less often than they say.",
                         info->units, info->grouped ? "groups" : "images");
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
