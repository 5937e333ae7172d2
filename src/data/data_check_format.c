/* SPDX-License-Identifier: Apache-2.0
 *
 * od_data_check_format: a data check as text for people and as JSON.
 */
#include "objdet/data_check.h"

#include "util/alloc.h"
#include "util/error.h"
#include "util/strbuf.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_PAIRS = 20, SHOWN_GROUPS = 20 };

/* --- text ----------------------------------------------------------------------------------------------------------------- */

static int widest_name(const od_data_check *c)
{
    size_t most = 7;
    for (int i = 0; i < c->split_count; i++) most = strlen(c->splits[i].name) > most ? strlen(c->splits[i].name) : most;
    return most > 40 ? 40 : (int)most;
}

static void put_splits(const od_data_check *c, int width, od_strbuf *t)
{
    for (int i = 0; i < c->split_count; i++) {
        const od_data_split_stats *s = &c->splits[i];
        od_strbuf_printf(t, "%-*s  %lld images (%lld without boxes), %lld boxes: %lld small, %lld medium, %lld large", width, s->name,
                         (long long)s->images, (long long)s->null_images, (long long)s->boxes, (long long)s->small, (long long)s->medium,
                         (long long)s->large);
        if (s->groups) od_strbuf_printf(t, "; %lld groups", (long long)s->groups);
        od_strbuf_printf(t, "\n%-*s  %s\n", width, "", s->description);
    }
    if (*c->group_source) od_strbuf_printf(t, "groups by %s\n", c->group_source);
}

static void put_classes(const od_data_check *c, od_strbuf *t)
{
    int width = 5;
    for (int k = 0; k < c->class_count; k++) {
        int n = (int)strlen(c->classes[k].name);
        width = n > width ? (n < 40 ? n : 40) : width;
    }
    od_strbuf_printf(t, "\n%6s  %-*s", "id", width, "boxes");
    for (int s = 0; s < c->split_count; s++) od_strbuf_printf(t, " %9.9s", c->splits[s].name);
    od_strbuf_puts(t, "\n");
    for (int k = 0; k < c->class_count; k++) {
        od_strbuf_printf(t, "%6d  %-*s", (int)c->classes[k].id, width, c->classes[k].name);
        for (int s = 0; s < c->split_count; s++) od_strbuf_printf(t, " %9lld", (long long)c->classes[k].boxes[s]);
        od_strbuf_puts(t, "\n");
    }
}

static const char *pair_words(const od_data_pair *p)
{
    return p->kind == OD_DATA_SAME_BYTES ? "same file" : p->kind == OD_DATA_SAME_PIXELS ? "same pixels" : p->difference;
}

static void put_pairs(const od_data_check *c, od_strbuf *t)
{
    if (!c->pair_count) return;
    od_strbuf_printf(t, "\npictures that stand twice: %lld pairs, %lld of them across splits\n", (long long)c->pair_count,
                     (long long)c->pairs_across);
    for (int64_t i = 0; i < c->pair_count && i < SHOWN_PAIRS; i++) {
        const od_data_pair *p = &c->pairs[i];
        od_strbuf_printf(t, "  %s/%s = %s/%s  %.2f  %s\n", c->splits[p->a.split].name, p->a.name, c->splits[p->b.split].name, p->b.name,
                         p->similarity, pair_words(p));
    }
    if (c->pair_count > SHOWN_PAIRS) od_strbuf_printf(t, "  and %lld more: --json=FILE has them all\n", (long long)c->pair_count - SHOWN_PAIRS);
}

static void put_groups(const od_data_check *c, od_strbuf *t)
{
    if (!c->group_leak_count) return;
    od_strbuf_printf(t, "\ngroups on both sides: %d\n", c->group_leak_count);
    for (int i = 0; i < c->group_leak_count && i < SHOWN_GROUPS; i++) {
        od_strbuf_printf(t, "  %s:", c->group_leaks[i].group);
        for (int s = 0; s < c->split_count; s++)
            if (c->group_leaks[i].images[s]) od_strbuf_printf(t, " %s %lld", c->splits[s].name, (long long)c->group_leaks[i].images[s]);
        od_strbuf_puts(t, "\n");
    }
    if (c->group_leak_count > SHOWN_GROUPS) od_strbuf_printf(t, "  and %d more: --json=FILE has them all\n", c->group_leak_count - SHOWN_GROUPS);
}

static const char *severity_name(od_data_severity s)
{
    return s == OD_DATA_ERROR ? "error" : s == OD_DATA_WARNING ? "warning" : "note";
}

static const char *plural(int n)
{
    return n == 1 ? "" : "s";
}

static void put_text(const od_data_check *c, od_strbuf *t)
{
    put_splits(c, widest_name(c), t);
    put_classes(c, t);
    put_pairs(c, t);
    put_groups(c, t);
    od_strbuf_puts(t, "\n");
    for (int i = 0; i < c->finding_count; i++) {
        const od_data_finding *f = &c->findings[i];
        od_strbuf_printf(t, "%s: %s\n", severity_name(f->severity), f->message);
        if (*f->remedy) od_strbuf_printf(t, "    -> %s\n", f->remedy);
    }
    od_strbuf_printf(t, "%d error%s, %d warning%s\n", c->errors, plural(c->errors), c->warnings, plural(c->warnings));
}

/* --- JSON ----------------------------------------------------------------------------------------------------------------- */

static json_t *text_json(const char *text)
{
    json_t *s = json_string(text);
    if (s) return s;
    od_strbuf plain = {0}; /* not UTF-8 */
    for (; *text; text++) od_strbuf_append(&plain, (unsigned char)*text < 128 ? text : "?", 1);
    s = json_string(plain.data ? plain.data : "");
    od_strbuf_deinit(&plain);
    return s;
}

static json_t *number_json(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *splits_json(const od_data_check *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->split_count; i++) {
        const od_data_split_stats *s = &c->splits[i];
        json_array_append_new(
            list, json_pack("{s:o,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:[i,i],s:[i,i],s:[i,i]}", "name", text_json(s->name),
                            "input", text_json(s->description), "images", (json_int_t)s->images, "null_images", (json_int_t)s->null_images,
                            "unreadable", (json_int_t)s->unreadable, "boxes", (json_int_t)s->boxes, "crowd", (json_int_t)s->crowd,
                            "difficult", (json_int_t)s->difficult, "most_boxes", (json_int_t)s->most_boxes, "small", (json_int_t)s->small,
                            "medium", (json_int_t)s->medium, "large", (json_int_t)s->large, "tiny", (json_int_t)s->tiny, "groups",
                            (json_int_t)s->groups, "ungrouped", (json_int_t)s->ungrouped, "smallest", s->smallest[0], s->smallest[1],
                            "median", s->median[0], s->median[1], "largest", s->largest[0], s->largest[1]));
    }
    return list;
}

static json_t *per_split(const int64_t *values, int n)
{
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, json_integer((json_int_t)values[i]));
    return list;
}

static json_t *classes_json(const od_data_check *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->class_count; i++) {
        const od_data_class_stats *k = &c->classes[i];
        json_array_append_new(list, json_pack("{s:i,s:o,s:o,s:o,s:o,s:o,s:b,s:b,s:b}", "id", (int)k->id, "name", text_json(k->name), "boxes",
                                              per_split(k->boxes, c->split_count), "images", per_split(k->images, c->split_count),
                                              "mean_x", number_json(k->mean_x), "left_share", number_json(k->left_share),
                                              "falsified_by_horizontal_flip", k->flip_sensitive & OD_DATA_FLIP_HORIZONTAL,
                                              "falsified_by_vertical_flip", k->flip_sensitive & OD_DATA_FLIP_VERTICAL,
                                              "falsified_by_rotation", k->flip_sensitive & OD_DATA_FLIP_ROTATION));
    }
    return list;
}

static json_t *findings_json(const od_data_check *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->finding_count; i++) {
        const od_data_finding *f = &c->findings[i];
        json_array_append_new(list, json_pack("{s:s,s:s,s:o,s:I,s:o,s:o}", "kind", f->key, "severity", severity_name(f->severity), "split",
                                              f->split < 0 ? json_null() : text_json(c->splits[f->split].name), "count",
                                              (json_int_t)f->count, "message", text_json(f->message), "remedy", text_json(f->remedy)));
    }
    return list;
}

static json_t *ref_json(const od_data_check *c, const od_data_image_ref *r)
{
    return json_pack("{s:o,s:I,s:o}", "split", text_json(c->splits[r->split].name), "index", (json_int_t)r->index, "name", text_json(r->name));
}

static json_t *pairs_json(const od_data_check *c)
{
    static const char *const kinds[] = {"same_bytes", "same_pixels", "near"};
    json_t *list = json_array();
    for (int64_t i = 0; i < c->pair_count; i++) {
        const od_data_pair *p = &c->pairs[i];
        json_array_append_new(list, json_pack("{s:o,s:o,s:s,s:b,s:f,s:b,s:i,s:f,s:f,s:f,s:o}", "a", ref_json(c, &p->a), "b", ref_json(c, &p->b),
                                              "kind", kinds[p->kind], "across_splits", p->a.split != p->b.split, "similarity", p->similarity,
                                              "mirrored", p->mirrored, "degrees", p->degrees, "covered", p->covered, "brightness",
                                              p->brightness, "contrast", p->contrast, "difference", text_json(p->difference)));
    }
    return list;
}

static json_t *groups_json(const od_data_check *c)
{
    json_t *list = json_array();
    for (int i = 0; i < c->group_leak_count; i++)
        json_array_append_new(list, json_pack("{s:o,s:o}", "group", text_json(c->group_leaks[i].group), "images",
                                              per_split(c->group_leaks[i].images, c->split_count)));
    return list;
}

static void put_json(const od_data_check *c, od_strbuf *t)
{
    json_t *root = json_pack("{s:i,s:i,s:o,s:o,s:f,s:o,s:o,s:I,s:I,s:o,s:o,s:i}", "errors", c->errors, "warnings", c->warnings, "splits",
                             splits_json(c), "classes", classes_json(c), "imbalance", c->imbalance, "findings", findings_json(c),
                             "group_source", text_json(c->group_source), "pair_count", (json_int_t)c->pair_count, "pairs_across",
                             (json_int_t)c->pairs_across, "pairs", pairs_json(c), "group_leaks", groups_json(c), "images_searched",
                             c->images_searched);
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
    if (text)
        od_strbuf_printf(t, "%s\n", text);
    else
        t->failed = 1;
    free(text);
    json_decref(root);
}

od_status od_data_check_format(const od_data_check *check, int json, char **text, od_error *err)
{
    od_strbuf t = {0};
    if (json)
        put_json(check, &t);
    else
        put_text(check, &t);
    if (od_strbuf_failed(&t)) {
        od_strbuf_deinit(&t);
        return od_error_nomem(err, "the report of a data check");
    }
    *text = t.data;
    return OD_OK;
}
