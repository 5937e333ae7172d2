/* SPDX-License-Identifier: Apache-2.0
 *
 * How the registry's rows are written. Only the fields_*.c tables include this.
 */
#ifndef OD_CONFIG_FIELDS_ROWS_H
#define OD_CONFIG_FIELDS_ROWS_H

#include "config/fields.h"

#define SAME(type, field, what) {type, field, OD_FIELD_SAME, what, NULL, NULL}
#define DIFFERS(type, field, ...) {type, field, OD_FIELD_DIFFERS, __VA_ARGS__, NULL} /* what, tf2 */
#define NO_EFFECT(type, field, tf2) {type, field, OD_FIELD_NO_EFFECT, NULL, tf2, NULL}
#define IGNORED(type, field, tf2, fix) {type, field, OD_FIELD_IGNORED, NULL, tf2, fix}
#define INVALID(type, field, tf2, fix) {type, field, OD_FIELD_INVALID, NULL, tf2, fix}

#define FIELD_TABLE(name, rows) const od_field_rows name = {rows, sizeof rows / sizeof *rows}

#endif
