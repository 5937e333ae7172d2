/* SPDX-License-Identifier: Apache-2.0
 *
 * What a pipeline.config says of a training, in words and numbers.
 */
#ifndef OD_REPORT_CONFIG_FACTS_H
#define OD_REPORT_CONFIG_FACTS_H

#include "report/texts.h"
#include "util/error.h"

#include <stdint.h>

typedef struct od_config_facts {
    char *model, *initial, *training, *preprocessing; /* a sentence each; NULL without config */
    int64_t batch_size;                               /* 0: unknown */
    od_texts train_paths, eval_paths;                 /* of the readers */
} od_config_facts;

/* Errors are those of reading the config. */
od_status od_config_facts_read(od_config_facts *f, const char *path, od_error *err);
void od_config_facts_deinit(od_config_facts *f);

#endif
