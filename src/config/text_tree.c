/* SPDX-License-Identifier: Apache-2.0 */
#include "config/text_tree.h"

#include "config/message.h"
#include "util/alloc.h"

#include <string.h>

od_text_tree *od_text_tree_create(const ProtobufCMessageDescriptor *type)
{
    od_text_tree *tree = od_calloc(1, sizeof *tree);
    if (!tree) return NULL;
    tree->root = od_message_create(type);
    if (tree->root) return tree;
    od_free(tree);
    return NULL;
}

void od_text_tree_free(od_text_tree *tree)
{
    if (!tree) return;
    od_message_free(tree->root);
    for (size_t i = 0; i < tree->discarded_count; i++) od_message_free(tree->discarded[i]);
    od_free(tree->discarded);
    od_free(tree->positions);
    od_free(tree->damaged);
    od_free(tree);
}

ProtobufCMessage *od_text_tree_root(const od_text_tree *tree)
{
    return tree->root;
}

int od_text_tree_line(const od_text_tree *tree, const void *message, const char *field, int64_t index)
{
    for (size_t i = tree->position_count; i-- > 0;) {
        const text_position *p = &tree->positions[i];
        if (field ? p->message != message : p->child != message) continue;
        if (!field || (!strcmp(p->field->name, field) && (index < 0 || p->index == (size_t)index))) return p->line;
    }
    return !field && message == tree->root ? 1 : 0;
}

int od_text_tree_damaged(const od_text_tree *tree, const void *message)
{
    for (size_t i = 0; i < tree->damaged_count; i++)
        if (tree->damaged[i] == message) return 1;
    return 0;
}

static void append_step(const ProtobufCMessage *message, const char *field, size_t index, od_strbuf *out)
{
    if (out->size) od_strbuf_puts(out, ".");
    od_strbuf_puts(out, field);
    const ProtobufCFieldDescriptor *d = od_message_field(message->descriptor, field);
    if (d && d->label == PROTOBUF_C_LABEL_REPEATED && od_message_count(message, d) > 1)
        od_strbuf_printf(out, "[%zu]", index);
}

/* The path of a message, from the top. */
static void append_message_path(const od_text_tree *tree, const ProtobufCMessage *message, od_strbuf *out)
{
    for (size_t i = tree->position_count; i-- > 0;) {
        const text_position *p = &tree->positions[i];
        if (p->child != message) continue;
        append_message_path(tree, p->message, out);
        append_step(p->message, p->field->name, p->index, out);
        return;
    }
}

void od_text_tree_path(const od_text_tree *tree, const void *message, const char *field, od_strbuf *out)
{
    append_message_path(tree, message, out);
    if (!field) return;
    if (out->size) od_strbuf_puts(out, ".");
    od_strbuf_puts(out, field);
}
