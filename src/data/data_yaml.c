/* SPDX-License-Identifier: Apache-2.0 */
#include "data/data_yaml.h"

#include "util/alloc.h"
#include "util/file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

enum { MAX_SIZE = 1 << 24, MAX_CLASSES = 1000000 };

const char *const od_data_yaml_part_names[OD_YAML_PARTS] = {"train", "val", "test"};

typedef struct yaml_reader {
    od_data_yaml *out;
    yaml_document_t document;
    const char *path;
    int class_count_line, class_count; /* nc; line 0: not given */
    od_error *err;
} yaml_reader;

static int line_of(const yaml_node_t *node)
{
    return (int)node->start_mark.line + 1;
}

static od_status fail(const yaml_reader *r, const yaml_node_t *node, const char *key, const char *expected)
{
    const char *found = node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value
                        : node->type == YAML_SEQUENCE_NODE ? "a list" : "a mapping";
    return od_error_set(r->err, OD_ERR_FORMAT, "%s:%d: %s is \"%.80s\"; expected %s", r->path, line_of(node), key, found, expected);
}

static const char *scalar(const yaml_node_t *node)
{
    return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* "test:" without a value: not given. */
static int is_null(const yaml_node_t *node)
{
    const char *text = scalar(node);
    return text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && (!*text || !strcmp(text, "~") || !strcmp(text, "null"));
}

static int whole(const char *text, long low, long high, int *out)
{
    char *end;
    errno = 0;
    long v = text ? strtol(text, &end, 10) : 0;
    if (!text || end == text || *end || errno || v < low || v > high) return 0;
    *out = (int)v;
    return 1;
}

static od_status take_part(yaml_reader *r, yaml_node_t *node, int part)
{
    od_path_list *list = &r->out->parts[part];
    const char *name = od_data_yaml_part_names[part];
    if (is_null(node)) return OD_OK;
    if (scalar(node)) return od_path_list_add(list, scalar(node)) ? od_error_nomem(r->err, r->path) : OD_OK;
    if (node->type != YAML_SEQUENCE_NODE) return fail(r, node, name, "a folder of images, a .txt file of image paths, or a list of them");
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
        yaml_node_t *item = yaml_document_get_node(&r->document, *i);
        if (!item || !scalar(item)) return fail(r, item ? item : node, name, "paths");
        if (od_path_list_add(list, scalar(item))) return od_error_nomem(r->err, r->path);
    }
    return OD_OK;
}

static od_status set_name(yaml_reader *r, const yaml_node_t *node, int index)
{
    od_data_yaml *y = r->out;
    const char *text = scalar(node);
    if (!text || !*text) return fail(r, node, "a class's name", "a text");
    if (index >= y->name_count) {
        char **names = od_realloc(y->names, (size_t)index + 1, sizeof *names);
        if (!names) return od_error_nomem(r->err, "class names");
        for (int i = y->name_count; i <= index; i++) names[i] = NULL;
        y->names = names;
        y->name_count = index + 1;
    }
    if (y->names[index]) return od_error_set(r->err, OD_ERR_FORMAT, "%s:%d: class %d is named twice", r->path, line_of(node), index);
    y->names[index] = od_strdup(text);
    return y->names[index] ? OD_OK : od_error_nomem(r->err, "class names");
}

static od_status take_names(yaml_reader *r, yaml_node_t *node)
{
    if (r->out->names) return od_error_set(r->err, OD_ERR_FORMAT, "%s:%d: names is given twice", r->path, line_of(node));
    if (node->type == YAML_SEQUENCE_NODE) {
        int index = 0;
        for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top; i++) {
            yaml_node_t *item = yaml_document_get_node(&r->document, *i);
            OD_TRY(item ? set_name(r, item, index++) : fail(r, node, "names", "texts"));
        }
        return OD_OK;
    }
    if (node->type != YAML_MAPPING_NODE) return fail(r, node, "names", "a list of class names, or a mapping from class numbers to names");
    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top; p++) {
        yaml_node_t *key = yaml_document_get_node(&r->document, p->key), *value = yaml_document_get_node(&r->document, p->value);
        int index;
        if (!key || !value || !whole(scalar(key), 0, MAX_CLASSES - 1, &index))
            return fail(r, key ? key : node, "a class number", "a whole number from 0 on");
        OD_TRY(set_name(r, value, index));
    }
    return OD_OK;
}

static od_status take_pair(yaml_reader *r, yaml_node_t *key, yaml_node_t *value)
{
    const char *name = scalar(key);
    if (!name) return OD_OK;
    for (int part = 0; part < OD_YAML_PARTS; part++)
        if (!strcmp(name, od_data_yaml_part_names[part])) return take_part(r, value, part);
    if (!strcmp(name, "valid") && !r->out->parts[OD_YAML_VAL].count) return take_part(r, value, OD_YAML_VAL);
    if (!strcmp(name, "names")) return take_names(r, value);
    if (!strcmp(name, "kpt_shape")) r->out->keypoints = 1;
    if (!strcmp(name, "nc")) {
        r->class_count_line = line_of(value);
        if (!whole(scalar(value), 0, MAX_CLASSES, &r->class_count)) return fail(r, value, "nc", "the number of classes");
    }
    if (!strcmp(name, "path") && !is_null(value)) {
        if (!scalar(value)) return fail(r, value, "path", "the data's root folder");
        od_free(r->out->root);
        r->out->root = od_strdup(scalar(value));
        if (!r->out->root) return od_error_nomem(r->err, r->path);
    }
    return OD_OK;
}

static od_status take_document(yaml_reader *r)
{
    yaml_node_t *root = yaml_document_get_root_node(&r->document);
    if (!root || root->type != YAML_MAPPING_NODE)
        return od_error_set(r->err, OD_ERR_FORMAT, "%s:1: not a data.yaml; expected a mapping with train, val and names", r->path);
    for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
        yaml_node_t *key = yaml_document_get_node(&r->document, p->key), *value = yaml_document_get_node(&r->document, p->value);
        if (key && value) OD_TRY(take_pair(r, key, value));
    }
    if (!r->out->name_count)
        return od_error_set(r->err, OD_ERR_FORMAT, "%s: names no classes; add names: [first, second, ...]", r->path);
    if (r->class_count_line && r->class_count != r->out->name_count)
        return od_error_set(r->err, OD_ERR_FORMAT, "%s:%d: nc is %d, but names has %d classes; correct one of them", r->path,
                            r->class_count_line, r->class_count, r->out->name_count);
    return OD_OK;
}

od_status od_data_yaml_parse(od_data_yaml *out, const char *text, size_t size, const char *name, od_error *err)
{
    yaml_reader r = {.out = out, .path = name, .err = err};
    yaml_parser_t parser;
    if (size > MAX_SIZE) return od_error_set(err, OD_ERR_FORMAT, "%s: %zu bytes are too many for a data.yaml", name, size);
    if (!yaml_parser_initialize(&parser)) return od_error_nomem(err, name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    od_status status;
    if (yaml_parser_load(&parser, &r.document)) {
        status = take_document(&r);
        yaml_document_delete(&r.document);
    } else if (parser.error == YAML_MEMORY_ERROR) {
        status = od_error_nomem(err, name);
    } else {
        size_t line = parser.problem_mark.line + 1;
        status = od_error_set(err, OD_ERR_FORMAT, "%s:%zu: not valid YAML: %s", name, line, parser.problem ? parser.problem : "unreadable");
    }
    yaml_parser_delete(&parser);
    return status;
}

od_status od_data_yaml_load(od_data_yaml *out, const char *path, od_error *err)
{
    od_file_view view;
    OD_TRY(od_file_view_open(&view, path, err));
    od_status status = od_data_yaml_parse(out, (const char *)view.data, view.size, path, err);
    od_file_view_close(&view);
    return status;
}

void od_data_yaml_deinit(od_data_yaml *y)
{
    for (int part = 0; part < OD_YAML_PARTS; part++) od_path_list_deinit(&y->parts[part]);
    for (int i = 0; i < y->name_count; i++) od_free(y->names[i]);
    od_free(y->names);
    od_free(y->root);
    *y = (od_data_yaml){0};
}

/* 1 and the path added when it exists, 0 when it doesn't, -1 when out of memory. */
static int try_add(od_path_list *list, const char *root, const char *name)
{
    char *path = od_path_join(root, name);
    int found = path ? od_path_exists(path) : -1;
    if (found == 1 && od_path_list_add(list, path)) found = -1;
    od_free(path);
    return found;
}

static od_status resolve_one(const char *root, const char *dir, const char *name, od_path_list *list, od_error *err)
{
    const char *roots[] = {root, dir};
    for (int up = 0; up < 2; up++) {
        if (up && strncmp(name, "../", 3)) break;
        for (int k = 0; k < 2; k++) {
            int found = try_add(list, roots[k], name + 3 * up);
            if (found < 0) return od_error_nomem(err, name);
            if (found) return OD_OK;
        }
    }
    return od_error_set(err, OD_ERR_NOT_FOUND, "%s not found below %s; correct it, or the data's root in path:", name, root);
}

od_status od_data_yaml_resolve(const od_data_yaml *y, const char *yaml_path, int part, od_path_list *list, od_error *err)
{
    char *dir = od_path_dir(yaml_path);
    if (!dir) return od_error_nomem(err, yaml_path);
    char *root = od_path_join(dir, y->root ? y->root : "");
    if (root && y->root && !od_path_is_dir(root)) { /* the root as seen from here, else the file's folder */
        od_free(root);
        root = od_strdup(od_path_is_dir(y->root) ? y->root : dir);
    }
    od_status status = root ? OD_OK : od_error_nomem(err, yaml_path);
    for (size_t i = 0; status == OD_OK && i < y->parts[part].count; i++) {
        status = resolve_one(root, dir, y->parts[part].items[i], list, err);
        if (status != OD_OK) od_error_prefix(err, "%s: %s", yaml_path, od_data_yaml_part_names[part]);
    }
    od_free(root);
    od_free(dir);
    return status;
}
