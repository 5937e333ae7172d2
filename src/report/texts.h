/* SPDX-License-Identifier: Apache-2.0
 *
 * A growing list of sentences.
 */
#ifndef OD_REPORT_TEXTS_H
#define OD_REPORT_TEXTS_H

#include <stddef.h>

typedef struct od_texts {
    char **items;
    size_t count, capacity;
    int failed; /* out of memory: some are missing */
} od_texts;

void od_texts_add(od_texts *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void od_texts_deinit(od_texts *t);

#endif
