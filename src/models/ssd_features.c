/* SPDX-License-Identifier: Apache-2.0 */
#include "models/ssd_features.h"

#include "util/strbuf.h"

#include <string.h>

static const od_ssd_features *const table[] = {&od_ssd_mobilenet_v1,     &od_ssd_mobilenet_v2,     &od_ssd_mobilenet_v1_fpn, &od_ssd_mobilenet_v2_fpn,
                                             &od_ssd_resnet50_v1_fpn, &od_ssd_resnet101_v1_fpn, &od_ssd_resnet152_v1_fpn,
                                             &od_ssd_efficientnet_bifpn[0], &od_ssd_efficientnet_bifpn[1], &od_ssd_efficientnet_bifpn[2],
                                             &od_ssd_efficientnet_bifpn[3], &od_ssd_efficientnet_bifpn[4], &od_ssd_efficientnet_bifpn[5],
                                             &od_ssd_efficientnet_bifpn[6], &od_ssd_efficientnet_bifpn[7]};

od_status od_ssd_features_find(const od_config *config, const ObjectDetection__Protos__SsdFeatureExtractor *extractor, const od_ssd_features **out,
                               od_error *err)
{
    od_strbuf known = {0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (!strcmp(table[i]->type, extractor->type)) {
            *out = table[i];
            od_strbuf_deinit(&known);
            return OD_OK;
        }
        od_strbuf_printf(&known, "%s%s", i ? ", " : "", table[i]->type);
    }
    od_status status = od_config_error(config, extractor, "type", err, OD_ERR_UNSUPPORTED, "feature extractor \"%s\" is not supported; supported: %s",
                                       extractor->type, known.data ? known.data : "");
    od_strbuf_deinit(&known);
    return status;
}
