/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry as a page (docs/CONFIG.md) and as text for one field.
 */
#include "config/fields.h"

#include "config/message.h"
#include "config/support.h"

#include "objdet/config.h"
#include "util/alloc.h"
#include "util/error.h"

#include "pipeline.pb-c.h"

#include <string.h>

static const ProtobufCMessageDescriptor *const root = &object_detection__protos__train_eval_pipeline_config__descriptor;

enum { MAX_TYPES = 512 };

typedef struct page {
    od_strbuf *out;
    const ProtobufCMessageDescriptor *types[MAX_TYPES]; /* in the order of the page */
    int reached[MAX_TYPES];                             /* not only through a field that is refused */
    int count;
} page;

static const char *const kinds[] = {"as TF2", "differs", "no effect", "ignored", "refused"};

static void put(od_strbuf *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '|') od_strbuf_puts(out, "\\");
        od_strbuf_append(out, text, 1);
    }
}

static void put_type(od_strbuf *out, const ProtobufCFieldDescriptor *field)
{
    static const char *const names[] = {[PROTOBUF_C_TYPE_INT32] = "int32", [PROTOBUF_C_TYPE_UINT32] = "uint32", [PROTOBUF_C_TYPE_INT64] = "int64",
                                        [PROTOBUF_C_TYPE_UINT64] = "uint64", [PROTOBUF_C_TYPE_FLOAT] = "float", [PROTOBUF_C_TYPE_DOUBLE] = "double",
                                        [PROTOBUF_C_TYPE_BOOL] = "bool", [PROTOBUF_C_TYPE_STRING] = "string", [PROTOBUF_C_TYPE_BYTES] = "bytes"};
    if (field->label == PROTOBUF_C_LABEL_REPEATED) od_strbuf_puts(out, "list of ");
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        od_strbuf_puts(out, ((const ProtobufCMessageDescriptor *)field->descriptor)->short_name);
    } else if (field->type == PROTOBUF_C_TYPE_ENUM) {
        const ProtobufCEnumDescriptor *e = field->descriptor;
        for (unsigned i = 0; i < e->n_values; i++) {
            if (i) od_strbuf_puts(out, ", ");
            od_strbuf_puts(out, e->values[i].name);
        }
    } else {
        const char *name = (size_t)field->type < sizeof names / sizeof *names ? names[field->type] : NULL;
        od_strbuf_puts(out, name ? name : "number");
    }
}

/* The value of a field in a message of which nothing was given; nothing for messages and lists. */
static void put_default(od_strbuf *out, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    if (field->type == PROTOBUF_C_TYPE_MESSAGE || field->label == PROTOBUF_C_LABEL_REPEATED || (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)) return;
    ProtobufCMessage *m = od_message_create(type);
    if (!m) return;
    const void *value = od_message_element(m, field, 0);
    if (field->type != PROTOBUF_C_TYPE_STRING || *(const char *const *)value) od_text_format_element(field, value, out); /* else: no default */
    od_message_free(m);
}

static const char *state(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field, const od_field_row *row)
{
    if (!row) return "?";
    od_support support = row->kind == OD_FIELD_INVALID ? OD_SUPPORT_YES : od_support_field(type, field);
    return support == OD_SUPPORT_NO ? "not yet" : kinds[row->kind];
}

static void put_meaning(od_strbuf *out, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field, const od_field_row *row)
{
    put(out, row->what);
    if (row->what && row->tf2) od_strbuf_puts(out, ". TF2: ");
    put(out, row->tf2);
    if (row->fix) od_strbuf_puts(out, "; fix: "), put(out, row->fix);
    if (od_support_value(type->short_name, field->name, 0)) od_strbuf_puts(out, ". Here: ");
    for (int i = 0; od_support_value(type->short_name, field->name, i); i++) {
        if (i) od_strbuf_puts(out, ", ");
        od_strbuf_puts(out, od_support_value(type->short_name, field->name, i));
    }
    if (row->kind != OD_FIELD_INVALID && od_support_field(type, field) == OD_SUPPORT_PARTLY && !od_support_value(type->short_name, field->name, 0))
        od_strbuf_puts(out, ". Here: refused unless it is switched off");
}

static void put_row(od_strbuf *out, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    const od_field_row *row = od_field_find(type->short_name, field->name);
    od_strbuf_printf(out, "| `%s` | ", field->name);
    put_type(out, field);
    od_strbuf_puts(out, " | ");
    put_default(out, type, field);
    od_strbuf_printf(out, " | %s | ", state(type, field, row));
    if (row) put_meaning(out, type, field, row);
    od_strbuf_puts(out, " |\n");
}

/* --- which types there are, and which of them something that is there leads to --------------------------------------------------- */

static void gather(page *p, const ProtobufCMessageDescriptor *type)
{
    for (int i = 0; i < p->count; i++)
        if (p->types[i] == type) return;
    if (p->count == MAX_TYPES) return;
    p->types[p->count++] = type;
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) gather(p, type->fields[i].descriptor);
}

static void reach(page *p, const ProtobufCMessageDescriptor *type)
{
    int at = 0;
    while (at < p->count && p->types[at] != type) at++;
    if (at == p->count || p->reached[at]) return;
    p->reached[at] = 1;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const od_field_row *row = od_field_find(type->short_name, field->name);
        if (field->type != PROTOBUF_C_TYPE_MESSAGE || (row && row->kind != OD_FIELD_INVALID && od_support_field(type, field) == OD_SUPPORT_NO)) continue;
        reach(p, field->descriptor);
    }
}

static void put_parents(const page *p, const ProtobufCMessageDescriptor *type)
{
    int n = 0;
    for (int i = 0; i < p->count; i++)
        for (unsigned k = 0; k < p->types[i]->n_fields; k++) {
            const ProtobufCFieldDescriptor *field = &p->types[i]->fields[k];
            if (field->type != PROTOBUF_C_TYPE_MESSAGE || field->descriptor != type) continue;
            od_strbuf_printf(p->out, "%s%s.%s", n++ ? ", " : "In ", p->types[i]->short_name, field->name);
        }
    if (n) od_strbuf_puts(p->out, ".");
}

static void put_section(const page *p, int i)
{
    const ProtobufCMessageDescriptor *type = p->types[i];
    od_strbuf_printf(p->out, "\n## %s\n\n", type->short_name);
    put_parents(p, type);
    if (!p->reached[i]) od_strbuf_puts(p->out, " **Not there yet**: what holds it is refused by name.");
    od_strbuf_puts(p->out, "\n");
    if (!type->n_fields) return;
    od_strbuf_puts(p->out, "\n| Field | Type | Default | Here | What it does |\n|---|---|---|---|---|\n");
    for (unsigned k = 0; k < type->n_fields; k++) put_row(p->out, type, &type->fields[k]);
}

static const char intro[] =
    "<!-- Printed by `objdet config fields --markdown`; don't edit. -->\n"
    "# Fields of pipeline.config\n\n"
    "Every field that a `pipeline.config` can hold, message by message as in the OD API's .proto files; a path such as\n"
    "`model.ssd.matcher.argmax_matcher.matched_threshold` leads from one to the next. All of it since objdet 0.1.0. \"Here\" says:\n\n"
    "- **as TF2**: what the OD API does under TensorFlow 2 (2.15, object_detection 2.8.0), checked against it (docs/TESTING.md);\n"
    "- **differs**: works here, and the text says what TensorFlow 2 does instead;\n"
    "- **no effect**: changes no number, here and there; `objdet config check` has a note;\n"
    "- **ignored**: TensorFlow 2 doesn't read it although TensorFlow 1 did, nor does objdet; `objdet config check` warns unless it has its default;\n"
    "- **refused**: TensorFlow 2 fails on it; `objdet config check` and every command that needs it say so with file, line and fix;\n"
    "- **not yet**: refused by name, with file and line, until it is there.\n\n"
    "`objdet config fields model.ssd.loss` prints the same for one field, or for all fields of a message.\n";

void od_fields_format_page(od_strbuf *out)
{
    page p = {.out = out};
    gather(&p, root);
    reach(&p, root);
    od_strbuf_puts(out, intro);
    for (int i = 0; i < p.count; i++) put_section(&p, i);
}

void od_field_format(const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field, od_strbuf *out)
{
    const od_field_row *row = od_field_find(type->short_name, field->name);
    od_strbuf_printf(out, "%s (", field->name);
    put_type(out, field);
    if (field->type != PROTOBUF_C_TYPE_MESSAGE && field->label != PROTOBUF_C_LABEL_REPEATED && !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)) {
        od_strbuf_puts(out, ", default ");
        put_default(out, type, field);
    }
    od_strbuf_printf(out, "): %s: ", state(type, field, row));
    if (row) put_meaning(out, type, field, row);
    od_strbuf_puts(out, "\n");
}

od_status od_config_describe_fields(const char *path, char **text, size_t *size, od_error *err)
{
    od_strbuf out = {0};
    const ProtobufCMessageDescriptor *type = NULL;
    const ProtobufCFieldDescriptor *field = path ? od_field_at_path(path, &type) : NULL;
    if (path && !field) return od_error_set(err, OD_ERR_NOT_FOUND, "%s: no such field; expected a path such as model.ssd.loss", path);
    if (!path) od_fields_format_page(&out);
    else od_field_format(type, field, &out);
    const ProtobufCMessageDescriptor *below = field && field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
    for (unsigned i = 0; below && i < below->n_fields; i++) {
        od_strbuf_puts(&out, "    ");
        od_field_format(below, &below->fields[i], &out);
    }
    if (od_strbuf_failed(&out)) {
        od_strbuf_deinit(&out);
        return od_error_nomem(err, "a description");
    }
    *text = out.data;
    *size = out.size;
    return OD_OK;
}
