/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/report.h"

#include "report/page.h"

#include <math.h>

od_report_options od_report_options_default(void)
{
    return (od_report_options){.load = od_coco_load_options_default(), .threshold = (double)NAN, .cost_fp = 1, .cost_fn = 1, .num_resamples = 1000, .gallery = 200, .max_size_mb = 5,
                               .check_images = 1};
}

od_status od_report_write(const od_report_options *options, od_error *err)
{
    od_report r;
    od_status status = od_report_gather(&r, options, err);
    if (status == OD_OK && options->output) status = od_page_write(&r, options->output, err);
    if (status == OD_OK && options->json) status = od_page_write_json(&r, options->json, err);
    od_report_deinit(&r);
    return status;
}
