/* SPDX-License-Identifier: Apache-2.0
 *
 * What this program can do of what a config can say. Everything parses; what isn't there yet is refused by name when a
 * command needs it, never ignored. To add a feature, add its row to the tables of support.c.
 */
#ifndef OD_CONFIG_SUPPORT_H
#define OD_CONFIG_SUPPORT_H

#include "config/config.h"

/* Which parts of a config a command uses; training evaluates, and evaluation predicts. */
typedef enum od_config_use {
    OD_USE_PREDICT = 1,
    OD_USE_EVAL = 2 | OD_USE_PREDICT,
    OD_USE_TRAIN = 4 | OD_USE_EVAL
} od_config_use;

/* OD_ERR_UNSUPPORTED with file:line, the field, and what there is instead; OD_OK when all that `use` needs is there. */
od_status od_config_require_supported(const od_config *config, od_config_use use, od_error *err);

/* The same as problems, all of them; of that severity. */
void od_support_list(const od_config *config, od_config_use use, od_config_severity severity, od_problems *problems);

/* Value number `index` (from 0) that a message type's field may have, e.g. "SsdFeatureExtractor", "type"; NULL behind the last. */
const char *od_support_value(const char *message, const char *field, int index);

/* How far a field is there: NO: giving it is refused; PARTLY: only some values are refused. */
typedef enum od_support { OD_SUPPORT_NO, OD_SUPPORT_PARTLY, OD_SUPPORT_YES } od_support;
od_support od_support_field(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field);

/* For a test: a name in the tables that no message has, or NULL. */
const char *od_support_bad_row(void);

#endif
