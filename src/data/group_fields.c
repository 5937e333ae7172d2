/* SPDX-License-Identifier: Apache-2.0 */
#include "data/group_fields.h"

#include <stdio.h>
#include <string.h>

/* The next name of the list, its length in *size; *p moves behind its comma. NULL at the end. */
static const char *next_name(const char **p, size_t *size)
{
    const char *name = *p;
    if (!name || !*name) return NULL;
    *size = strcspn(name, ",");
    *p = name + *size + (name[*size] == ',');
    return name;
}

int od_group_field_rank(const char *fields, const char *key, size_t size)
{
    size_t n;
    const char *name;
    for (int rank = 0; (name = next_name(&fields, &n)); rank++)
        if (n == size && !memcmp(name, key, n)) return rank;
    return -1;
}

int od_group_field_at(const char *fields, int rank, char *text, size_t size)
{
    size_t n;
    const char *name;
    for (int i = 0; (name = next_name(&fields, &n)); i++) {
        if (i < rank) continue;
        snprintf(text, size, "%.*s", (int)n, name);
        return 1;
    }
    return 0;
}
