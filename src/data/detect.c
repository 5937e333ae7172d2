/* SPDX-License-Identifier: Apache-2.0 */
#include "data/detect.h"

#include "data/yolo_layout.h"
#include "util/alloc.h"
#include "util/file.h"
#include "util/record.h"
#include "util/strbuf.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

enum { HEAD = 4096 };

static const od_source_format *const formats[] = {&od_source_tfrecord, &od_source_coco,        &od_source_voc,       &od_source_csv,
                                                  &od_source_yolo,     &od_source_cvat,        &od_source_labelstudio, &od_source_openimages};
enum { FORMATS = sizeof formats / sizeof *formats };

/* --- files ------------------------------------------------------------------------------------------------------------ */

static int holds(const char *text, size_t size, const char *part)
{
    size_t n = strlen(part);
    for (size_t i = 0; i + n <= size; i++)
        if (!memcmp(text + i, part, n)) return 1;
    return 0;
}

static size_t first_line(const char *text, size_t size)
{
    const char *end = size ? memchr(text, '\n', size) : NULL;
    return end ? (size_t)(end - text) : size;
}

/* A list whose first line names an image is YOLO's; VOC's lists have names without endings. */
static const od_source_format *list_format(const char *text, size_t size)
{
    char *first = od_strndup(text, first_line(text, size));
    if (!first) return &od_source_voc;
    size_t n = strlen(first);
    while (n && isspace((unsigned char)first[n - 1])) first[--n] = 0;
    int image = od_path_is_image(first);
    od_free(first);
    return image ? &od_source_yolo : &od_source_voc;
}

/* A text file's format from its beginning and its ending; NULL when it is none of these. */
static const od_source_format *text_format(const char *path, const char *text, size_t size)
{
    if (size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3)) text += 3, size -= 3;
    while (size && isspace((unsigned char)*text)) text++, size--;
    if (size && *text == '{') return &od_source_coco;
    if (size && *text == '[') return &od_source_labelstudio;
    if (od_path_has_ending(path, ".json")) return &od_source_coco;
    if (od_path_has_ending(path, ".csv")) return holds(text, first_line(text, size), "LabelName") ? &od_source_openimages : &od_source_csv;
    if (od_path_has_ending(path, ".yaml") || od_path_has_ending(path, ".yml")) return &od_source_yolo;
    if (od_path_has_ending(path, ".txt")) return list_format(text, size);
    if (od_path_has_ending(path, ".xml") || (size && *text == '<')) return holds(text, size, "<annotations") ? &od_source_cvat : &od_source_voc;
    return NULL;
}

static od_status file_format(const od_source_format **out, const char *path, od_error *err)
{
    od_file_view view;
    uint64_t length;
    OD_TRY(od_file_view_open(&view, path, err));
    int record = view.size >= OD_RECORD_HEADER_SIZE && od_record_header_parse(view.data, &length) == 0;
    const od_source_format *text = record ? NULL : text_format(path, (const char *)view.data, view.size < HEAD ? view.size : HEAD);
    *out = text ? text : &od_source_tfrecord;
    od_file_view_close(&view);
    return OD_OK;
}

/* --- folders ---------------------------------------------------------------------------------------------------------- */

static int exists_in(const char *dir, const char *name)
{
    char *path = od_path_join(dir, name);
    int yes = path && od_path_exists(path);
    od_free(path);
    return yes;
}

/* Whether one of the folder's .xml files is VOC's. */
static int has_voc_files(const char *dir)
{
    od_path_list xml = {0};
    int found = 0;
    if (od_path_list_add_folder(&xml, dir, ".xml", NULL) != OD_OK) xml.count = 0;
    for (size_t i = 0; i < xml.count && !found; i++) {
        od_file_view view;
        if (od_file_view_open(&view, xml.items[i], NULL) != OD_OK) continue;
        const char *text = (const char *)view.data;
        size_t size = view.size < HEAD ? view.size : HEAD;
        found = holds(text, size, "<annotation") && !holds(text, size, "<annotations");
        od_file_view_close(&view);
    }
    od_path_list_deinit(&xml);
    return found;
}

/* The format of a folder that is a data set as it is; NULL when files in it are. */
static const od_source_format *folder_format(const char *dir)
{
    if (exists_in(dir, "Annotations") || exists_in(dir, "annotations")) return &od_source_voc;
    if (od_yolo_is_folder(dir)) return &od_source_yolo;
    return has_voc_files(dir) ? &od_source_voc : NULL;
}

/* Endings of the files that may stand for their folder: all of the first three, else one of the others. */
static const struct { const char *ending, *formats; int several; } endings[] = {
    {".record", "tfrecord", 1}, {".tfrecord", "tfrecord", 1}, {".tfrecords", "tfrecord", 1},
    {".json", "coco labelstudio", 0}, {".csv", "csv openimages", 0}, {".xml", "cvat", 0}};

static od_status expand_folder(od_path_list *list, const char *dir, const char *name, od_error *err)
{
    size_t first = list->count;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (name && !strstr(endings[i].formats, name)) continue;
        if (!endings[i].several && list->count > first) break;
        OD_TRY(od_path_list_add_folder(list, dir, endings[i].ending, err));
        if (!endings[i].several && list->count > first + 1)
            return od_error_set(err, OD_ERR_FORMAT, "%s: holds several %s files (%s, %s, ...): name the one that is meant", dir,
                                endings[i].ending, od_path_base(list->items[first]), od_path_base(list->items[first + 1]));
    }
    if (list->count > first) return OD_OK;
    return od_error_set(err, OD_ERR_FORMAT,
                        "%s: no annotations found in this folder; expected VOC (Annotations/*.xml, annotations/*.xml or *.xml), YOLO "
                        "(data.yaml, or images/ and labels/), one .json of COCO or Label Studio, one .csv, Open Images (*-annotations-bbox.csv), CVAT's .xml, or TFRecords (*.record, *.tfrecord)", dir);
}

/* --- both ------------------------------------------------------------------------------------------------------------- */

static od_status format_by_name(const od_source_format **out, const char *name, od_error *err)
{
    for (size_t i = 0; i < FORMATS; i++)
        if (!strcmp(name, formats[i]->name)) return *out = formats[i], OD_OK;
    od_strbuf known = {0};
    for (size_t i = 0; i < FORMATS; i++) od_strbuf_printf(&known, "%s%s", i == 0 ? "" : i + 1 < FORMATS ? ", " : " or ", formats[i]->name);
    od_status status = od_strbuf_failed(&known) ? od_error_nomem(err, name)
                                                : od_error_set(err, OD_ERR_ARG, "unknown data format \"%s\"; expected %s", name, known.data);
    od_strbuf_deinit(&known);
    return status;
}

od_status od_path_list_add_detected(od_path_list *list, const char *path, const char *name, od_error *err)
{
    int whole = !od_path_is_dir(path) || (name ? !strcmp(name, "voc") || !strcmp(name, "yolo") : folder_format(path) != NULL);
    if (!whole) return expand_folder(list, path, name, err);
    return od_path_list_add(list, path) ? od_error_nomem(err, path) : OD_OK;
}

od_status od_source_format_detect(const od_source_format **out, const char *path, const char *name, od_error *err)
{
    if (name) return format_by_name(out, name, err);
    const char *part = od_path_part(path);
    if (!od_path_is_dir(path) && !part) return file_format(out, path, err);
    if (!part) {
        const od_source_format *folder = folder_format(path);
        *out = folder ? folder : &od_source_voc;
        return OD_OK;
    }
    char *file = od_strndup(path, (size_t)(part - 1 - path));
    od_status status = file ? file_format(out, file, err) : od_error_nomem(err, path);
    od_free(file);
    return status;
}
