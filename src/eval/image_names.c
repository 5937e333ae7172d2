/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/image_names.h"

#include "util/alloc.h"
#include "util/file.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* Adds name -> index; a name of two images becomes ambiguous. Takes `name` (freed here). */
static int add_name(od_hashmap *map, char *name, int64_t index)
{
    int64_t known;
    int ok = name != NULL;
    if (ok && name[0]) {
        if (od_hashmap_get(map, name, &known) && known != index) index = OD_IMAGE_AMBIGUOUS;
        ok = od_hashmap_set(map, name, index) == 0;
    }
    od_free(name);
    return ok;
}

/* Without the extension, if it has one. */
static char *without_extension(const char *path)
{
    const char *dot = strrchr(od_path_base(path), '.');
    return dot && dot != od_path_base(path) ? od_strndup(path, (size_t)(dot - path)) : od_strdup(path);
}

od_status od_image_names_build(od_image_names *out, const od_coco_image *images, size_t n, od_error *err)
{
    *out = (od_image_names){0};
    for (size_t i = 0; i < n; i++) {
        const char *name = images[i].name;
        int64_t index = (int64_t)i;
        int ok = !images[i].text_id || od_hashmap_set(&out->ids, images[i].text_id, index) == 0;
        if (ok && name)
            ok = add_name(&out->names, od_strdup(name), index) &&
                 add_name(&out->names, without_extension(name), index) &&
                 add_name(&out->names, od_strdup(od_path_base(name)), index) &&
                 add_name(&out->names, without_extension(od_path_base(name)), index);
        if (ok) continue;
        od_image_names_deinit(out);
        return od_error_nomem(err, "the image names");
    }
    return OD_OK;
}

void od_image_names_deinit(od_image_names *names)
{
    od_hashmap_deinit(&names->ids);
    od_hashmap_deinit(&names->names);
}

int64_t od_image_names_find(const od_image_names *names, const char *text)
{
    int64_t index;
    if (od_hashmap_get(&names->ids, text, &index)) return index;
    return od_hashmap_get(&names->names, text, &index) ? index : OD_IMAGE_UNKNOWN;
}

int od_image_name_number(const od_coco_image *image, int64_t *number)
{
    if (!image->name) return 0;
    const char *base = od_path_base(image->name);
    char *end;
    if (*base < '0' || *base > '9') return 0;
    errno = 0;
    *number = strtoll(base, &end, 10);
    return !errno && (*end == 0 || *end == '.');
}

static od_status group_of(od_coco_image *image, const regex_t *compiled, const char *regex, od_error *err)
{
    regmatch_t found[2];
    if (!image->name || regexec(compiled, image->name, 2, found, 0))
        return od_error_set(err, OD_ERR_MISMATCH, "group regex '%s' does not match the file name '%s'; every image needs a group",
                            regex, image->name ? image->name : "(none)");
    regmatch_t m = found[compiled->re_nsub && found[1].rm_so >= 0 ? 1 : 0];
    od_free(image->group);
    image->group = od_strndup(image->name + m.rm_so, (size_t)(m.rm_eo - m.rm_so));
    return image->group ? OD_OK : od_error_nomem(err, "the groups of images");
}

od_status od_image_groups_by_regex(od_coco_image *images, size_t n, const char *regex, od_error *err)
{
    regex_t compiled;
    int problem = regcomp(&compiled, regex, REG_EXTENDED);
    if (problem) {
        char why[200];
        regerror(problem, &compiled, why, sizeof why);
        return od_error_set(err, OD_ERR_ARG, "group regex '%s': %s", regex, why);
    }
    od_status status = OD_OK;
    for (size_t i = 0; i < n && status == OD_OK; i++) status = group_of(&images[i], &compiled, regex, err);
    regfree(&compiled);
    return status;
}
