/* SPDX-License-Identifier: Apache-2.0
 *
 * Every field that means something here, with a value of a wrong type, out of its range or unknown: an error with file, line, field
 * and what was expected. Walks the descriptors, so that a new field is tested, too, and must have a range when it is a number.
 */
#include "test_support.h"

#include "config/config.h"
#include "config/fields.h"
#include "config/message.h"
#include "config/ranges.h"
#include "config/support.h"
#include "util/strbuf.h"

#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 12 };

typedef struct walk {
    const char *names[MAX_DEPTH]; /* of the messages around */
    int depth;
    const ProtobufCMessageDescriptor *seen[200]; /* each message type once */
    int seen_count, fields, numbers, failures;
} walk;

/* "model {\n ssd {\n <line>\n}\n}\n": the line is number depth + 1. */
static void put_text(const walk *w, const char *line, od_strbuf *out)
{
    for (int i = 0; i < w->depth; i++) od_strbuf_printf(out, "%s {\n", w->names[i]);
    od_strbuf_printf(out, "%s\n", line);
    for (int i = 0; i < w->depth; i++) od_strbuf_puts(out, "}\n");
}

/* Whether the list has an error on the line that names the field, its file, and what to do. */
static int tells(const od_config_problem *p, const walk *w, const char *field)
{
    const char *last = strrchr(p->field, '.');
    last = last ? last + 1 : p->field;
    size_t n = strlen(field);
    int named = (!strncmp(last, field, n) && (!last[n] || last[n] == '[')) || strstr(p->message, field);
    return p->severity == OD_CONFIG_ERROR && p->line == w->depth + 1 && !strcmp(p->file, "bad.config") && named && p->message[0] && (p->expected[0] || p->fix[0]);
}

static void expect_error(walk *w, const char *field, const char *line)
{
    od_strbuf text = {0};
    od_config *config = NULL;
    od_problems syntax = {0};
    od_config_problems *found = NULL;
    int told = 0;
    put_text(w, line, &text);
    assert_int_equal(od_config_read(text.data, text.size, "bad.config", &config, &syntax, NULL), OD_OK);
    for (size_t i = 0; i < syntax.count; i++) told |= tells(&syntax.items[i], w, field);
    if (!syntax.errors) {
        assert_int_equal(od_config_check(config, &(od_config_check_options){.skip_files = 1}, &found, NULL), OD_OK);
        for (size_t i = 0; i < od_config_problems_count(found); i++) told |= tells(od_config_problems_get(found, i), w, field);
    }
    if (!told) {
        print_message("no error for line %d of:\n%s", w->depth + 1, text.data);
        for (size_t i = 0; i < syntax.count; i++)
            print_message("  %d %s: %s; expected %s; %s\n", syntax.items[i].line, syntax.items[i].field, syntax.items[i].message, syntax.items[i].expected, syntax.items[i].fix);
        w->failures++;
    }
    od_config_problems_free(found);
    od_problems_deinit(&syntax);
    od_config_free(config);
    od_strbuf_deinit(&text);
}

static const char *wrong_type(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING: return "5";
    case PROTOBUF_C_TYPE_BOOL: return "maybe";
    case PROTOBUF_C_TYPE_ENUM: return "NO_SUCH_NAME";
    default: return "'text'";
    }
}

static int is_number(ProtobufCType type)
{
    return type != PROTOBUF_C_TYPE_STRING && type != PROTOBUF_C_TYPE_BOOL && type != PROTOBUF_C_TYPE_ENUM && type != PROTOBUF_C_TYPE_MESSAGE;
}

static void try_number(walk *w, const char *field, double value)
{
    char line[160];
    snprintf(line, sizeof line, "%s: %.17g", field, value);
    expect_error(w, field, line);
}

static void try_range(walk *w, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    const od_field_range *r = od_field_range_find(type->short_name, field->name);
    int whole = field->type != PROTOBUF_C_TYPE_FLOAT && field->type != PROTOBUF_C_TYPE_DOUBLE, natural = field->type == PROTOBUF_C_TYPE_UINT32;
    if (!strcmp(field->name, "num_classes")) {
        try_number(w, field->name, 0);
        return;
    }
    if (!r) {
        print_message("%s.%s has no row in src/config/ranges.c\n", type->short_name, field->name);
        w->failures++;
        return;
    }
    char line[160];
    w->numbers++;
    snprintf(line, sizeof line, "%s: %s", field->name, whole ? "1.5" : "nan");
    expect_error(w, field->name, line);
    if (natural) try_number(w, field->name, -1);
    if (!isfinite(r->low)) return;
    if (r->open) try_number(w, field->name, r->low);
    if (!natural || r->low > 0) try_number(w, field->name, r->low - 1);
    if (!whole || r->high < 2e9) try_number(w, field->name, whole ? r->high + 1 : 1.001 * r->high + 1);
}

static void walk_type(walk *w, const ProtobufCMessageDescriptor *type)
{
    for (int i = 0; i < w->seen_count; i++)
        if (w->seen[i] == type) return;
    w->seen[w->seen_count++] = type;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const od_field_row *row = od_field_find(type->short_name, field->name);
        if (!row || (row->kind != OD_FIELD_SAME && row->kind != OD_FIELD_DIFFERS)) continue;
        if (od_support_field(type, field) == OD_SUPPORT_NO) continue; /* refused by name, with what is below */
        char line[160];
        int message = field->type == PROTOBUF_C_TYPE_MESSAGE;
        snprintf(line, sizeof line, "%s: %s", field->name, message ? "5" : wrong_type(field->type));
        expect_error(w, field->name, line);
        w->fields++;
        if (is_number(field->type)) try_range(w, type, field);
        if (!message) continue;
        assert_in_range(w->depth, 0, MAX_DEPTH - 1);
        w->names[w->depth++] = field->name;
        walk_type(w, field->descriptor);
        w->depth--;
    }
}

static void test_every_field(void **state)
{
    (void)state;
    walk w = {0};
    walk_type(&w, &object_detection__protos__train_eval_pipeline_config__descriptor);
    print_message("%d fields, %d numbers with a range\n", w.fields, w.numbers);
    assert_int_equal(w.failures, 0);
    assert_true(w.fields > 500 && w.numbers > 250);
}

static void note_row(void *user, const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field)
{
    const od_field_range *range = od_field_range_find(type->short_name, field->name);
    if (range) ((char *)user)[range - od_field_range_at(0)] = 1;
}

/* Each row is of a field that exists, and is the one that is found. */
static void test_no_row_in_vain(void **state)
{
    (void)state;
    static char found[1000];
    od_field_walk(&object_detection__protos__train_eval_pipeline_config__descriptor, note_row, found);
    for (size_t i = 0; od_field_range_at(i); i++)
        if (!found[i]) fail_msg("%s.%s: no message has it, or it stands twice", od_field_range_at(i)->type, od_field_range_at(i)->field);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_field), cmocka_unit_test(test_no_row_in_vain)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
