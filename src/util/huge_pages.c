/* SPDX-License-Identifier: Apache-2.0 */
#include "util/huge_pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Of one line: the counts after the zone's name. */
static size_t free_in_line(const char *line, size_t page_bytes)
{
    const char *p = strstr(line, "zone");
    if (!p) return 0;
    p += strlen("zone");
    p += strspn(p, " ");
    p += strcspn(p, " \n");
    size_t total = 0;
    for (size_t block = page_bytes; block <= (size_t)1 << 40; block *= 2) {
        char *end;
        unsigned long count = strtoul(p, &end, 10);
        if (end == p) break;
        if (block >= OD_HUGE_PAGE) total += count * block;
        p = end;
    }
    return total;
}

size_t od_huge_pages_free_in(const char *buddyinfo, size_t page_bytes)
{
    size_t total = 0;
    for (const char *line = buddyinfo; line && *line; line = strchr(line, '\n')) {
        char one[512];
        line += *line == '\n';
        size_t n = strcspn(line, "\n");
        if (n >= sizeof one) continue;
        memcpy(one, line, n); /* a number must not be read on into the next line */
        one[n] = 0;
        total += free_in_line(one, page_bytes);
    }
    return total;
}

size_t od_huge_pages_free(void)
{
    char text[16384];
    FILE *f = fopen("/proc/buddyinfo", "r");
    if (!f) return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = 0;
    long page = sysconf(_SC_PAGESIZE);
    return page > 0 ? od_huge_pages_free_in(text, (size_t)page) : 0;
}

void od_huge_pages_advise(void *p, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    madvise(p, bytes, MADV_HUGEPAGE); /* failing costs only time */
#else
    (void)p, (void)bytes;
#endif
}
