/* SPDX-License-Identifier: Apache-2.0 */
#include "util/nearest.h"

#include <string.h>

int od_edit_distance(const char *a, const char *b)
{
    int row[64], n = (int)strnlen(b, 63);
    if (n > 62) return 99;
    for (int j = 0; j <= n; j++) row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]), up = row[j] + 1, left = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = change < up ? (change < left ? change : left) : (up < left ? up : left);
        }
    }
    return row[n];
}

int od_edit_distance_is_near(int distance, const char *name)
{
    int n = (int)strnlen(name, 99);
    return distance <= (n < 3 ? 1 : (n + 2) / 3);
}
