/* SPDX-License-Identifier: Apache-2.0 */
#include "models/faster_rcnn_features.h"

#include <stdio.h>
#include <string.h>

static const od_faster_rcnn_features *const rows[] = {
    &od_faster_rcnn_resnet50,      &od_faster_rcnn_resnet101,     &od_faster_rcnn_resnet152,          &od_faster_rcnn_resnet50_fpn,
    &od_faster_rcnn_resnet101_fpn, &od_faster_rcnn_resnet152_fpn, &od_faster_rcnn_inception_resnet_v2};

od_status od_faster_rcnn_features_find(const od_config *config, const od_faster_rcnn_extractor *extractor, const od_faster_rcnn_features **out, od_error *err)
{
    char known[600] = "";
    size_t n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!strcmp(rows[i]->type, extractor->type)) {
            *out = rows[i];
            return OD_OK;
        }
        if (n < sizeof known) n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", n ? ", " : "", rows[i]->type);
    }
    return od_config_error(config, extractor, "type", err, OD_ERR_UNSUPPORTED, "feature_extractor type '%s' is not supported; supported: %s", extractor->type, known);
}
