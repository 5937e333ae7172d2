/* SPDX-License-Identifier: Apache-2.0 */
#include "data/image_groups.h"

#include "util/alloc.h"
#include "util/file.h"

#include <ctype.h>
#include <regex.h>
#include <string.h>

/* How public data sets name their patients; the first parenthesis is the group. */
static const char *const known_names[] = {
    "((person|patient|subject|participant)[-_ ]?[0-9]+)", /* person12_virus_46.jpeg (Kermany), patient00012_study1 (CheXpert) */
    "^((NORMAL2-)?IM-[0-9]+)-[0-9]+",                     /* IM-0115-0001.jpeg (Kermany's normals) */
    "^([0-9]{8})_[0-9]{3}[.]png$",                        /* 00000013_005.png (NIH ChestX-ray14) */
};
enum { KNOWN = sizeof known_names / sizeof *known_names };

struct od_group_rule {
    const char *fields;
    char *own_fields;
    regex_t patterns[KNOWN];
    int pattern_count;
};

static od_status add_pattern(od_group_rule *r, const char *text, int flags, od_error *err)
{
    int code = regcomp(&r->patterns[r->pattern_count], text, REG_EXTENDED | flags);
    if (code) {
        char why[200];
        regerror(code, &r->patterns[r->pattern_count], why, sizeof why);
        return od_error_set(err, OD_ERR_ARG, "group_regex \"%s\": %s; expected a POSIX extended regular expression such as person([0-9]+)_",
                            text, why);
    }
    r->pattern_count++;
    return OD_OK;
}

static od_status fill(od_group_rule *r, const char *group_by, const char *group_regex, od_error *err)
{
    if (group_by && group_regex)
        return od_error_set(err, OD_ERR_ARG, "group_by and group_regex are both given; expected one of them");
    if (group_by && !*group_by) return od_error_set(err, OD_ERR_ARG, "group_by is empty; expected the name of a field");
    if (group_regex) return add_pattern(r, group_regex, 0, err);
    if (group_by) {
        r->fields = r->own_fields = od_strdup(group_by);
        return r->fields ? OD_OK : od_error_nomem(err, "group_by");
    }
    r->fields = "patient_id,patient,subject_id,subject";
    for (int i = 0; i < KNOWN; i++) OD_TRY(add_pattern(r, known_names[i], REG_ICASE, err));
    return OD_OK;
}

od_status od_group_rule_create(od_group_rule **out, const char *group_by, const char *group_regex, od_error *err)
{
    od_group_rule *r = od_calloc(1, sizeof *r);
    if (!r) return od_error_nomem(err, "groups");
    od_status status = fill(r, group_by, group_regex, err);
    if (status == OD_OK)
        *out = r;
    else
        od_group_rule_free(r);
    return status;
}

void od_group_rule_free(od_group_rule *r)
{
    if (!r) return;
    for (int i = 0; i < r->pattern_count; i++) regfree(&r->patterns[i]);
    od_free(r->own_fields);
    od_free(r);
}

const char *od_group_rule_fields(const od_group_rule *r)
{
    return r->fields;
}

od_status od_group_rule_find(const od_group_rule *r, const char *field, const char *name, char **group, int *from, od_error *err)
{
    *group = NULL;
    *from = 0;
    if (field && *field) {
        *group = od_strdup(field);
        return *group ? OD_OK : od_error_nomem(err, "groups");
    }
    const char *base = name ? od_path_base(name) : "";
    for (int i = 0; i < r->pattern_count; i++) {
        regmatch_t m[2];
        /* A user's expression sees the whole name, folders included: a patient may be a folder. */
        const char *text = r->fields ? base : name ? name : "";
        if (regexec(&r->patterns[i], text, 2, m, 0)) continue;
        regmatch_t g = m[1].rm_so >= 0 ? m[1] : m[0];
        *from = 1;
        *group = od_strndup(text + g.rm_so, (size_t)(g.rm_eo - g.rm_so));
        return *group ? OD_OK : od_error_nomem(err, "groups");
    }
    return OD_OK;
}

char *od_group_original_name(const char *name)
{
    const char *base = od_path_base(name), *mark = strstr(base, ".rf.");
    if (!mark || mark == base) return NULL;
    size_t digits = 0;
    while (isxdigit((unsigned char)mark[4 + digits])) digits++;
    if (digits < 8 || mark[4 + digits] != '.') return NULL;
    return od_strndup(base, (size_t)(mark - base));
}
