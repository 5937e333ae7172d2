/* SPDX-License-Identifier: Apache-2.0 */
#include "config/fields.h"

#include "config/message.h"

#include "pipeline.pb-c.h"

#include <string.h>

static const od_field_rows *const tables[] = {&od_fields_model, &od_fields_parts, &od_fields_detection, &od_fields_center_net,
                                              &od_fields_train, &od_fields_augmentation, &od_fields_input, &od_fields_eval};

static const od_field_row *find(const char *type, const char *field)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t i = 0; i < tables[t]->count; i++)
            if (!strcmp(tables[t]->rows[i].field, field) && !strcmp(tables[t]->rows[i].type, type)) return &tables[t]->rows[i];
    return NULL;
}

const od_field_row *od_field_find(const char *type, const char *field)
{
    const od_field_row *row = find(type, field);
    return row ? row : find(type, "*");
}

/* Types that were visited. */
typedef struct walker {
    const ProtobufCMessageDescriptor *seen[512];
    size_t count;
    void (*visit)(void *user, const ProtobufCMessageDescriptor *, const ProtobufCFieldDescriptor *);
    void *user;
} walker;

static void walk(walker *w, const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->seen[i] == type) return;
    if (w->count == sizeof w->seen / sizeof *w->seen) return;
    w->seen[w->count++] = type;
    for (unsigned i = 0; i < type->n_fields; i++) w->visit(w->user, type, &type->fields[i]);
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) walk(w, type->fields[i].descriptor);
}

void od_field_walk(const ProtobufCMessageDescriptor *root, void (*visit)(void *, const ProtobufCMessageDescriptor *, const ProtobufCFieldDescriptor *), void *user)
{
    walker w = {.visit = visit, .user = user};
    walk(&w, root);
}

/* Whether a row names a message type and a field of it. */
typedef struct search {
    const od_field_row *row;
    int found;
} search;

static void look(void *user, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    search *s = user;
    if (!strcmp(s->row->type, type->short_name) && (!strcmp(s->row->field, "*") || !strcmp(s->row->field, field->name))) s->found = 1;
}

const od_field_row *od_field_bad_row(void)
{
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (size_t i = 0; i < tables[t]->count; i++) {
            search s = {.row = &tables[t]->rows[i]};
            od_field_walk(&object_detection__protos__train_eval_pipeline_config__descriptor, look, &s);
            if (!s.found || find(s.row->type, s.row->field) != s.row) return s.row;
        }
    return NULL;
}

const ProtobufCFieldDescriptor *od_field_at_path(const char *path, const ProtobufCMessageDescriptor **type)
{
    const ProtobufCMessageDescriptor *at = &object_detection__protos__train_eval_pipeline_config__descriptor;
    const ProtobufCFieldDescriptor *field = NULL;
    while (*path) {
        char name[96];
        size_t n = strcspn(path, ".[");
        if (!at || n >= sizeof name) return NULL;
        memcpy(name, path, n);
        name[n] = 0;
        *type = at;
        if (!(field = od_message_field(at, name))) return NULL;
        at = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
        path += n;
        if (*path == '[') path += strcspn(path, "]") + (strchr(path, ']') != NULL);
        if (*path == '.') path++;
    }
    return field;
}
