/* SPDX-License-Identifier: Apache-2.0 */
#include "data/image_store.h"

#include "image/image.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/strbuf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void od_image_store_deinit(od_image_store *s)
{
    free(s->real_from); /* realpath's */
    *s = (od_image_store){0};
}

/* "../images/a.jpg": `path` as seen from the folder `dir`; both real paths. Caller frees. */
static char *relative_path(const char *dir, const char *path)
{
    size_t common = 0;
    for (size_t i = 0; dir[i] == path[i] || (!dir[i] && path[i] == '/'); i++) {
        if (!dir[i] || dir[i] == '/') common = i;
        if (!dir[i]) break;
    }
    od_strbuf out = {0};
    for (const char *p = dir + common; *p; p++)
        if (*p == '/' && p[1]) od_strbuf_puts(&out, "../");
    const char *rest = path + common;
    od_strbuf_puts(&out, rest + (*rest == '/'));
    if (!od_strbuf_failed(&out)) return out.data;
    od_strbuf_deinit(&out);
    return NULL;
}

static od_status name_in_place(od_image_store *s, const char *path, char **name, od_error *err)
{
    if (!s->real_from && !(s->real_from = realpath(s->from, NULL))) return od_error_errno(err, s->from, "find");
    char *real = realpath(path, NULL);
    if (!real) return od_error_errno(err, path, "find");
    *name = relative_path(s->real_from, real);
    free(real);
    return *name ? OD_OK : od_error_nomem(err, path);
}

static const char *image_ending(const od_example *e)
{
    static const char *const endings[][2] = {{"JPEG", ".jpg"}, {"PNG", ".png"}, {"BMP", ".bmp"}, {"WebP", ".webp"}, {"DICOM", ".dcm"}};
    const char *format = od_image_format_name(e->encoded, e->encoded_size);
    for (size_t i = 0; format && i < sizeof endings / sizeof *endings; i++)
        if (!strcmp(format, endings[i][0])) return endings[i][1];
    return ".jpg";
}

/* What must be an image's own: its name, or the name without ending. NULL when out of memory. */
static char *key_of(const od_image_store *s, const char *name)
{
    const char *dot = s->by_stem ? strrchr(name, '.') : NULL;
    return dot && dot != name ? od_strndup(name, (size_t)(dot - name)) : od_strdup(name);
}

/* 1 when the name is free (and now taken), 0 when it isn't, -1 when out of memory. */
static int take_name(od_image_store *s, const char *name)
{
    char *key = name ? key_of(s, name) : NULL;
    int taken = key ? od_hashmap_get(s->names, key, NULL) : 0;
    int failed = !key || (!taken && od_hashmap_set(s->names, key, 1));
    od_free(key);
    return failed ? -1 : !taken;
}

/* The last part of the file name (a record must not choose where to write), made its own by the number. */
static od_status choose_name(od_image_store *s, const od_example *e, int64_t number, char **name, od_error *err)
{
    const char *base = e->filename ? od_path_base(e->filename) : "";
    int usable = *base && strcmp(base, ".") && strcmp(base, "..") && strlen(base) < 200 && !strpbrk(base, "\\:");
    const char *ending = usable && strchr(base, '.') ? "" : image_ending(e);
    *name = usable ? od_asprintf("%s%s", base, ending) : od_asprintf("image_%lld%s", (long long)number, ending);
    int got = take_name(s, *name);
    for (int try = 0; got == 0; try++) { /* a file may be called like another's substitute */
        od_free(*name);
        *name = try ? od_asprintf("%lld_%d_%s%s", (long long)number, try, usable ? base : "image", ending)
                    : od_asprintf("%lld_%s%s", (long long)number, usable ? base : "image", ending);
        got = take_name(s, *name);
    }
    return got < 0 ? od_error_nomem(err, "file names") : OD_OK;
}

/* 1 when both paths are the same file. */
static int is_same_file(const char *a, const char *b)
{
    char *x = realpath(a, NULL), *y = realpath(b, NULL);
    int same = x && y && !strcmp(x, y);
    free(x);
    free(y);
    return same;
}

static od_status write_file(const od_image_store *s, const od_example *e, const char *path, od_error *err)
{
    if (e->image_path && is_same_file(e->image_path, path)) return OD_OK;
    if (!s->link || !e->image_path) return od_file_write_many(path, e->encoded, e->encoded_size, err);
    char *real = realpath(e->image_path, NULL);
    od_status status = real ? OD_OK : od_error_errno(err, e->image_path, "find");
    if (real) unlink(path);
    if (real && symlink(real, path)) status = od_error_errno(err, path, "link");
    free(real);
    return status;
}

od_status od_image_store_put(od_image_store *s, const od_example *e, int64_t number, char **name, od_error *err)
{
    if (s->keep && e->image_path) return name_in_place(s, e->image_path, name, err);
    if (!s->made) OD_TRY(od_dir_create(s->dir, err));
    s->made = 1;
    char *base = NULL;
    od_status status = choose_name(s, e, number, &base, err);
    char *path = status == OD_OK ? od_path_join(s->dir, base) : NULL;
    if (status == OD_OK && !path) status = od_error_nomem(err, s->dir);
    if (status == OD_OK) status = write_file(s, e, path, err);
    if (status == OD_OK && !(*name = od_asprintf("%s%s", s->prefix, base))) status = od_error_nomem(err, base);
    od_free(path);
    od_free(base);
    return status;
}
