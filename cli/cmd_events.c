/* SPDX-License-Identifier: Apache-2.0
 *
 * objdet events list: what a training run wrote for TensorBoard, on the terminal or as CSV.
 */
#include "commands.h"
#include "flags.h"
#include "objdet/events.h"
#include "objdet/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Notes go beside the CSV, not into it. */
static void log_to_stderr(void *user, od_log_level level, const char *message)
{
    (void)user;
    fprintf(stderr, "objdet: %s: %s\n", level == OD_LOG_WARNING ? "warning" : "note", message);
}

/* The run's name below the folder that was asked for, as TensorBoard shows it: "train", "." for the folder itself. */
static const char *run_name(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    if (strncmp(path, dir, n)) return path;
    path += n;
    while (*path == '/') path++;
    return *path ? path : ".";
}

static void print_tag(const char *tag, const char *kind, size_t count, int64_t first, int64_t last, const char *value)
{
    char steps[48];
    if (first == last)
        snprintf(steps, sizeof steps, "%" PRId64, first);
    else
        snprintf(steps, sizeof steps, "%" PRId64 "..%" PRId64, first, last);
    printf("  %-50s %-7s %6zu  %-15s %s\n", tag, kind, count, steps, value);
}

static void print_scalars(const od_events *events)
{
    for (size_t i = 0; i < od_events_series_count(events); i++) {
        const od_event_series *s = od_events_series_at(events, i);
        char value[32];
        snprintf(value, sizeof value, "%.6g", s->points[s->count - 1].value);
        print_tag(s->tag, "scalar", s->count, s->points[0].step, s->points[s->count - 1].step, value);
    }
}

/* One line a tag: at the tag's first picture, counting the later ones. */
static void print_images(const od_events *events)
{
    size_t count = od_events_image_count(events);
    for (size_t i = 0; i < count; i++) {
        const od_event_image *first = od_events_image_at(events, i), *last = first;
        size_t pictures = 0, earlier = 0;
        for (size_t j = 0; j < i && !earlier; j++) earlier = !strcmp(od_events_image_at(events, j)->tag, first->tag);
        if (earlier) continue;
        for (size_t j = i; j < count; j++) {
            const od_event_image *image = od_events_image_at(events, j);
            if (strcmp(image->tag, first->tag)) continue;
            last = image;
            pictures++;
        }
        char size[32];
        snprintf(size, sizeof size, "%dx%d", last->width, last->height);
        print_tag(first->tag, "image", pictures, first->step, last->step, size);
    }
}

static void print_texts(const od_events *events)
{
    for (size_t i = 0; i < od_events_text_count(events); i++) {
        const od_event_text *text = od_events_text_at(events, i);
        char size[32];
        snprintf(size, sizeof size, "%zu bytes", strlen(text->text));
        print_tag(text->tag, "text", 1, text->step, text->step, size);
    }
}

static void print_run(const od_events *events, const char *name)
{
    size_t files = od_events_file_count(events), cut = od_events_cut_count(events);
    printf("%s  (%zu event file%s", name, files, files == 1 ? "" : "s");
    if (cut) printf(", %zu ending in half a record", cut);
    printf(")\n  %-50s %-7s %6s  %-15s %s\n", "tag", "kind", "number", "steps", "last");
    print_scalars(events);
    print_images(events);
    print_texts(events);
}

/* A CSV field: quoted when it holds a separator (RFC 4180). */
static void print_csv_field(const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text; text++) {
        if (*text == '"') putchar('"');
        putchar(*text);
    }
    putchar('"');
}

static size_t print_csv(const od_events *events, const char *name, const char *tag)
{
    const od_event_series *s = od_events_find(events, tag);
    if (!s) return 0;
    for (size_t i = 0; i < s->count; i++) {
        print_csv_field(name);
        printf(",%" PRId64 ",%.6f,%.9g\n", s->points[i].step, s->points[i].wall_time, s->points[i].value);
    }
    return s->count;
}

static int list_runs(const od_event_runs *runs, const char *dir, const char *csv_tag)
{
    size_t printed = 0;
    if (csv_tag) printf("run,step,wall_time,value\n");
    for (size_t i = 0; i < runs->count; i++) {
        od_events *events;
        od_error err = {0};
        if (od_events_read(&events, runs->paths[i], 0, &err) != OD_OK) return cli_fail(&err);
        const char *name = run_name(runs->paths[i], dir);
        if (csv_tag)
            printed += print_csv(events, name, csv_tag);
        else
            print_run(events, name);
        od_events_free(events);
    }
    if (!csv_tag || printed) return 0;
    fprintf(stderr,
            "objdet events list: error: %s has no scalars with the tag '%s'; objdet events list %s shows its tags\n",
            dir, csv_tag, dir);
    return 1;
}

static int events_list(int argc, char **argv)
{
    const char *csv_tag = NULL;
    const cli_flag flags[] = {{"csv", CLI_STRING, &csv_tag, "print this tag's values as CSV: run,step,wall_time,value"},
                              {0}};
    const cli_usage usage = {
        "events list DIR [--csv=TAG]",
        "Shows the tags, steps and last values that a training run (ours, the OD API's or another's)\n"
        "wrote for TensorBoard. DIR is a model_dir, one of its folders, or an event file.",
        "  objdet events list my_model\n"
        "  objdet events list my_model --csv=Loss/total_loss > loss.csv\n"
        "  objdet events list my_model/eval --csv='DetectionBoxes_Precision/mAP'\n"};
    int count = 0, code = cli_flags_parse(argc, argv, flags, &usage, &count);
    if (code >= 0) return code;
    if (count != 1) {
        fprintf(stderr,
                "objdet events list: error: expected one folder or file, got %d; see objdet events list --help\n",
                count);
        return 2;
    }
    if (csv_tag) od_log_set_callback(log_to_stderr, NULL);
    od_event_runs runs;
    od_error err = {0};
    if (od_event_runs_find(&runs, argv[1], &err) != OD_OK) return cli_fail(&err);
    code = list_runs(&runs, argv[1], csv_tag);
    od_event_runs_free(&runs);
    return code;
}

int od_cmd_events(int argc, char **argv)
{
    static const char usage[] =
        "usage: objdet events list DIR [--csv=TAG]      (objdet events list --help tells more)\n";
    if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(usage, stdout);
        return 0;
    }
    if (argc < 2 || strcmp(argv[1], "list")) {
        if (argc >= 2) fprintf(stderr, "objdet events: error: unknown action '%s'\n", argv[1]);
        fputs(usage, stderr);
        return 2;
    }
    argv[1] = (char *)"events list";
    return events_list(argc - 1, argv + 1);
}
