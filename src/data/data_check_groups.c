/* SPDX-License-Identifier: Apache-2.0
 *
 * Groups (patients, scenes) and originals of augmented copies that stand in more than one split.
 */
#include "data/data_checker.h"

#include "util/alloc.h"

#include <stdio.h>
#include <string.h>

/* Groups found by the way names look count only when most images have one; else they are forgotten. */
static int groups_are_likely(const od_data_checker *c)
{
    int given = c->options->group_by || c->options->group_regex;
    return given || 2 * (c->by_field + c->by_name) >= c->image_count;
}

static od_status name_source(od_data_checker *c, od_error *err)
{
    const od_data_check_options *o = c->options;
    od_data_check *out = c->out;
    if (!c->group_count)
        out->group_source = od_strdup("");
    else if (o->group_by || o->group_regex)
        out->group_source = od_asprintf(o->group_by ? "the field %s" : "file names by %s", o->group_by ? o->group_by : o->group_regex);
    else if (c->by_field >= c->by_name)
        out->group_source = od_strdup("a field that names the patient or subject");
    else
        out->group_source = od_asprintf("file names like %s...", c->groups[0]);
    return out->group_source ? OD_OK : od_error_nomem(err, "groups");
}

static void forget_groups(od_data_checker *c)
{
    for (int32_t i = 0; i < c->group_count; i++) od_free(c->groups[i]);
    c->group_count = 0;
    for (int32_t i = 0; i < c->image_count; i++) c->images[i].group = -1;
}

static od_status none_found(od_data_checker *c, od_error *err)
{
    const od_data_check_options *o = c->options;
    if (o->group_by)
        return od_error_set(err, OD_ERR_ARG, "group_by=%s: no image has a field of that name", o->group_by);
    if (o->group_regex)
        return od_error_set(err, OD_ERR_ARG, "group_regex=%s matches no file name; the first is %s", o->group_regex, c->images[0].name);
    return od_data_check_add(c, OD_DATA_GROUPS_UNKNOWN, -1, c->image_count,
                        "if several images show one patient, scene or video: --group_by=FIELD or --group_regex='person([0-9]+)_'", err,
                        "nothing says which images belong together, so groups on both sides of a split can't be looked for");
}

/* Images by group and split: [group_count][splits]. */
static int64_t *count_groups(const od_data_checker *c)
{
    int64_t *n = od_calloc((size_t)c->group_count * (size_t)c->splits, sizeof *n);
    for (int32_t i = 0; n && i < c->image_count; i++)
        if (c->images[i].group >= 0) n[c->images[i].group * c->splits + c->images[i].split]++;
    return n;
}

static od_status add_leak(od_data_checker *c, int32_t group, const int64_t *images, od_error *err)
{
    od_data_check *out = c->out;
    if (od_grow(&out->group_leaks, &c->leak_capacity, (size_t)out->group_leak_count + 1, sizeof *out->group_leaks))
        return od_error_nomem(err, "groups");
    od_data_group_leak leak = {c->groups[group], od_malloc((size_t)c->splits, sizeof *images)};
    out->group_leaks[out->group_leak_count++] = leak;
    if (!leak.images) return od_error_nomem(err, "groups");
    memcpy(leak.images, images, (size_t)c->splits * sizeof *images);
    return OD_OK;
}

static void tell_leak(const od_data_checker *c, const od_data_group_leak *leak, char *text, size_t size)
{
    int n = snprintf(text, size, "%.100s (", leak->group), first = 1;
    for (int s = 0; s < c->splits && n < (int)size - 1; s++) {
        if (!leak->images[s]) continue;
        n += snprintf(text + n, size - (size_t)n, "%s%lld in %.60s", first ? "" : ", ", (long long)leak->images[s], c->out->splits[s].name);
        first = 0;
    }
    if (n < (int)size - 1) snprintf(text + n, size - (size_t)n, ")");
}

static od_status add_finding(od_data_checker *c, od_error *err)
{
    od_data_check *out = c->out;
    char first[400];
    int64_t images = 0;
    if (!out->group_leak_count) return OD_OK;
    for (int i = 0; i < out->group_leak_count; i++)
        for (int s = 1; s < c->splits; s++) images += out->group_leaks[i].images[s];
    tell_leak(c, &out->group_leaks[0], first, sizeof first);
    return od_data_check_add(c, OD_DATA_LEAK_GROUP, -1, out->group_leak_count,
                        "keep each group on one side: objdet data split with the same --group_by or --group_regex", err,
                        "%d of %d groups (by %s) are in more than one split, with %lld images outside %s; the first: %s", out->group_leak_count,
                        (int)c->group_count, out->group_source, (long long)images, out->splits[0].name, first);
}

static od_status judge_groups(od_data_checker *c, const int64_t *n, od_error *err)
{
    for (int32_t g = 0; g < c->group_count; g++) {
        int sides = 0;
        for (int s = 0; s < c->splits; s++) {
            sides += n[g * c->splits + s] > 0;
            c->out->splits[s].groups += n[g * c->splits + s] > 0;
        }
        if (sides > 1) OD_TRY(add_leak(c, g, n + g * c->splits, err));
    }
    for (int32_t i = 0; i < c->image_count; i++) c->out->splits[c->images[i].split].ungrouped += c->images[i].group < 0;
    return add_finding(c, err);
}

/* --- augmented copies by name ------------------------------------------------------------------------------------------ */

static od_status find_named_copies(od_data_checker *c, od_error *err)
{
    od_hashmap first = {0}; /* original -> image */
    od_status status = OD_OK;
    for (int32_t i = 0; i < c->image_count && status == OD_OK; i++) {
        const od_data_check_image *image = &c->images[i];
        int64_t at;
        if (!image->original) continue;
        if (!od_hashmap_get(&first, image->original, &at)) {
            if (od_hashmap_set(&first, image->original, i)) status = od_error_nomem(err, "names");
        } else if (c->images[at].split != image->split) {
            od_data_check_note(c, image->split, OD_DATA_LEAK_NAME, "%.150s, of which %s has %.150s", image->name,
                          c->out->splits[c->images[at].split].name, c->images[at].name);
        }
    }
    od_hashmap_deinit(&first);
    for (int s = 0; s < c->splits && status == OD_OK; s++) {
        const od_data_check_fault *f = od_data_check_fault_of(c, s, OD_DATA_LEAK_NAME);
        if (f->count)
            status = od_data_check_add(c, OD_DATA_LEAK_NAME, s, f->count, "split first, then augment the training part only", err,
                                  "%lld images of %s are, by their names, augmented copies of pictures in another split; the first: %s",
                                  (long long)f->count, c->out->splits[s].name, f->first);
    }
    return status;
}

od_status od_data_check_find_group_leaks(od_data_checker *c, od_error *err)
{
    if (!groups_are_likely(c)) forget_groups(c);
    OD_TRY(name_source(c, err));
    if (!c->group_count) {
        OD_TRY(none_found(c, err));
        return find_named_copies(c, err);
    }
    int64_t *n = count_groups(c);
    od_status status = n ? judge_groups(c, n, err) : od_error_nomem(err, "groups");
    od_free(n);
    return status == OD_OK ? find_named_copies(c, err) : status;
}
