/* SPDX-License-Identifier: Apache-2.0 */
#include "config/check.h"

#include "config/message.h"

#include <stdarg.h>
#include <stdio.h>

/* Appends the field's value as it would be written; nothing for messages, lists and fields that weren't given. */
static void append_value(const void *message, const char *field, od_strbuf *out)
{
    const ProtobufCMessage *m = message;
    const ProtobufCFieldDescriptor *d = field ? od_message_field(m->descriptor, field) : NULL;
    if (!d || d->type == PROTOBUF_C_TYPE_MESSAGE || d->label == PROTOBUF_C_LABEL_REPEATED || !od_message_has(m, d)) return;
    od_text_format_element(d, od_message_element(m, d, 0), out);
}

void od_check_add(od_check *check, od_config_severity severity, const void *message, const char *field,
                  const char *expected, const char *fix, const char *format, ...)
{
    if (check->problems->count >= OD_PROBLEMS_MAX) { /* finding its line and path would be in vain */
        check->problems->errors += severity == OD_CONFIG_ERROR;
        return;
    }
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    od_strbuf path = {0}, value = {0};
    const od_text_tree *tree = od_config_tree(check->config);
    od_text_tree_path(tree, message, field, &path);
    append_value(message, field, &value);
    int line = od_text_tree_line(tree, message, field, -1);
    if (!line) line = od_text_tree_line(tree, message, NULL, -1);
    if (od_strbuf_failed(&path) || od_strbuf_failed(&value)) check->problems->failed = 1;
    od_problems_add(check->problems,
                    &(od_config_problem){.severity = severity, .file = od_config_name(check->config), .line = line, .field = path.data,
                                         .value = value.data, .message = text, .expected = expected, .fix = fix});
    od_strbuf_deinit(&path);
    od_strbuf_deinit(&value);
}

void od_check_missing(od_check *check, const void *message, const char *field, const char *fix)
{
    if (!od_text_tree_damaged(od_config_tree(check->config), message))
        od_check_add(check, OD_CONFIG_ERROR, message, field, NULL, fix, "is missing");
}
