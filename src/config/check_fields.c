/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks that need no context, by tables over all messages: numbers out of range or not finite, oneofs of which one
 * must be chosen, fields that TensorFlow 2 ignores.
 */
#include "config/check.h"
#include "config/fields.h"
#include "config/message.h"
#include "config/ranges.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Messages whose oneof must be set when they are given. */
static const char *const choices[] = {"DetectionModel",    "ImageResizer",       "BoxCoder",         "Matcher",     "RegionSimilarityCalculator",
                                      "BoxPredictor",      "AnchorGenerator",    "ClassificationLoss", "LocalizationLoss", "PreprocessingStep",
                                      "Regularizer",       "Initializer"};

static double number_at(const ProtobufCFieldDescriptor *field, const void *v)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_FLOAT: return *(const float *)v;
    case PROTOBUF_C_TYPE_DOUBLE: return *(const double *)v;
    case PROTOBUF_C_TYPE_UINT32: return *(const uint32_t *)v;
    default: return *(const int32_t *)v;
    }
}

static void check_range(od_check *check, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    const od_field_range *range = od_field_range_find(m->descriptor->short_name, field->name);
    size_t n = range && isfinite(range->low) ? od_message_count(m, field) : 0;
    for (size_t k = 0; k < n; k++) {
        double value = number_at(field, od_message_element(m, field, k));
        if (isfinite(value) && value >= range->low && value <= range->high && !(range->open && value == range->low)) continue;
        char expected[96], upper[32] = "";
        if (range->high < 1e6 || value > range->high) snprintf(upper, sizeof upper, " and at most %g", range->high);
        snprintf(expected, sizeof expected, "%s %g%s", range->open ? "more than" : "at least", range->low, upper);
        od_check_add(check, OD_CONFIG_ERROR, m, field->name, expected, NULL, "%g is out of range", value);
    }
}

static void check_finite(od_check *check, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    size_t n = field->type == PROTOBUF_C_TYPE_FLOAT ? od_message_count(m, field) : 0;
    for (size_t k = 0; k < n; k++) {
        float value = *(const float *)od_message_element(m, field, k);
        if (isnan(value) || isinf(value)) od_check_add(check, OD_CONFIG_ERROR, m, field->name, "a finite number", NULL, "is %g", value);
    }
}

/* Fields that the registry (fields.h) has as ignored or refused by TensorFlow 2. Returns 1 when what is below the field doesn't matter. */
static int check_registered(od_check *check, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *field)
{
    const od_field_row *row = od_field_find(m->descriptor->short_name, field->name);
    if (!row || row->kind == OD_FIELD_SAME || row->kind == OD_FIELD_DIFFERS) return 0;
    if (row->kind == OD_FIELD_INVALID && od_message_is_default(m, field)) return 0;
    int note = row->kind == OD_FIELD_NO_EFFECT || od_message_is_default(m, field);
    if (row->kind == OD_FIELD_INVALID)
        od_check_add(check, OD_CONFIG_ERROR, m, field->name, NULL, row->fix, "TensorFlow 2 refuses it: %s", row->tf2);
    else
        od_check_add(check, note ? OD_CONFIG_NOTE : OD_CONFIG_WARNING, m, field->name, NULL, note ? NULL : row->fix,
                     "is ignored, by TensorFlow 2 as well as here");
    return 1;
}

static void check_choice(od_check *check, const ProtobufCMessage *m)
{
    size_t i = 0;
    while (i < sizeof choices / sizeof *choices && strcmp(choices[i], m->descriptor->short_name)) i++;
    if (i == sizeof choices / sizeof *choices || od_text_tree_damaged(od_config_tree(check->config), m)) return;
    char expected[600] = "one of";
    size_t n = strlen(expected);
    for (unsigned k = 0; k < m->descriptor->n_fields; k++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[k];
        if (od_message_has(m, field)) return;
        if (n < sizeof expected) n += (size_t)snprintf(expected + n, sizeof expected - n, "%s %s", k ? "," : "", field->name);
    }
    od_check_add(check, OD_CONFIG_ERROR, m, NULL, expected, NULL, "is empty");
}

static void check_message(od_check *check, const ProtobufCMessage *m)
{
    check_choice(check, m);
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &m->descriptor->fields[i];
        if (!od_message_has(m, field)) continue;
        if (check_registered(check, m, field)) continue;
        if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
            size_t before = check->problems->count;
            check_range(check, m, field);
            if (check->problems->count == before) check_finite(check, m, field);
            continue;
        }
        size_t n = od_message_count(m, field);
        for (size_t k = 0; k < n; k++) check_message(check, *(ProtobufCMessage *const *)od_message_element(m, field, k));
    }
}

void od_check_fields(od_check *check)
{
    check_message(check, od_text_tree_root(od_config_tree(check->config)));
}
