/* SPDX-License-Identifier: Apache-2.0 */
#include "config/problems.h"

#include "util/alloc.h"
#include "util/strbuf.h"

#include <stdio.h>
#include <string.h>

/* The strings of a problem, to copy and free them in a loop. */
static const char **string_at(od_config_problem *p, int i)
{
    const char **all[] = {&p->file, &p->field, &p->value, &p->message, &p->expected, &p->fix};
    return i < (int)(sizeof all / sizeof *all) ? all[i] : NULL;
}

static void free_strings(od_config_problem *p)
{
    const char **s;
    for (int i = 0; (s = string_at(p, i)); i++) od_free((char *)*s);
}

void od_problems_add(od_problems *list, const od_config_problem *problem)
{
    if (problem->severity == OD_CONFIG_ERROR) list->errors++;
    if (list->count >= OD_PROBLEMS_MAX || list->failed) return;
    if (od_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items)) {
        list->failed = 1;
        return;
    }
    od_config_problem copy = *problem;
    const char **s;
    for (int i = 0; (s = string_at(&copy, i)); i++) {
        *s = od_strdup(*s ? *s : "");
        if (!*s) list->failed = 1;
    }
    if (list->failed)
        free_strings(&copy);
    else
        list->items[list->count++] = copy;
}

void od_problems_deinit(od_problems *list)
{
    for (size_t i = 0; i < list->count; i++) free_strings(&list->items[i]);
    od_free(list->items);
    *list = (od_problems){0};
}

static int comes_after(const od_config_problem *a, const od_config_problem *b)
{
    if (a->line != b->line) return b->line && (!a->line || a->line > b->line);
    return a->column > b->column;
}

void od_problems_sort(od_problems *list)
{
    for (size_t i = 1; i < list->count; i++) { /* insertion: stable, and the list is short */
        od_config_problem moved = list->items[i];
        size_t j = i;
        for (; j && comes_after(&list->items[j - 1], &moved); j--) list->items[j] = list->items[j - 1];
        list->items[j] = moved;
    }
}

static const od_config_problem *first_error(const od_problems *list)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].severity == OD_CONFIG_ERROR) return &list->items[i];
    return NULL;
}

od_status od_problems_to_error(const od_problems *list, od_status status, od_error *err)
{
    const od_config_problem *p = first_error(list);
    if (!p || list->failed) return od_error_nomem(err, "a list of problems");
    od_strbuf b = {0};
    od_strbuf_puts(&b, p->file);
    if (p->line) od_strbuf_printf(&b, ":%d", p->line);
    if (p->column) od_strbuf_printf(&b, ":%d", p->column);
    if (p->field[0]) od_strbuf_printf(&b, ": %s", p->field);
    od_strbuf_printf(&b, ": %s", p->message);
    if (p->expected[0]) od_strbuf_printf(&b, "; expected %s", p->expected);
    if (p->fix[0]) od_strbuf_printf(&b, "; fix: %s", p->fix);
    if (list->errors > 1) od_strbuf_printf(&b, " (and %d more: objdet config check lists them all)", list->errors - 1);
    if (od_strbuf_failed(&b)) {
        od_strbuf_deinit(&b);
        return od_error_nomem(err, "a message");
    }
    od_error_set(err, status, "%s", b.data);
    od_strbuf_deinit(&b);
    return status;
}
