/* SPDX-License-Identifier: Apache-2.0
 *
 * Three ways: both parts exact in a double (Clinger, PLDI 1990, the fast path), an exact 128-bit quotient with a
 * sticky bit, and strtod for the rest.
 */
#include "eval/json_number.h"

#include "util/alloc.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double exact_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* digits / 10^places for places <= 19 and any digits > 0: the quotient is computed to 64 bits or more, the remainder
 * makes the last one sticky, and one rounding to 53 bits follows. */
static double divide_exactly(uint64_t digits, int places)
{
    uint64_t power = 1;
    for (int i = 0; i < places; i++) power *= 10;
    int shift = __builtin_clzll(digits);
    unsigned __int128 numerator = (unsigned __int128)(digits << shift) << 64, quotient = numerator / power;
    int sticky = quotient * power != numerator;
    /* quotient has 64 to 128 bits; keep the top 64 of them. */
    uint64_t high = (uint64_t)(quotient >> 64);
    int drop = high ? 64 - __builtin_clzll(high) : 0;
    uint64_t top = (uint64_t)(quotient >> drop);
    if (drop && (quotient & (((unsigned __int128)1 << drop) - 1))) sticky = 1;
    /* Round 64 bits to 53, to nearest, ties to even. */
    uint64_t rest = top & 0x7ff, kept = top >> 11;
    if (rest > 0x400 || (rest == 0x400 && (sticky || (kept & 1)))) kept++;
    return ldexp((double)kept, 11 + drop - 64 - shift);
}

/* strtod on a copy whose decimal point is the locale's. */
static int convert_slowly(const char *text, unsigned long size, double *out)
{
    char *copy = od_strndup(text, size);
    if (!copy) return 0;
    char *point = strchr(copy, '.');
    const char *local = localeconv()->decimal_point;
    if (point && local[0] && !local[1]) *point = local[0];
    *out = strtod(copy, NULL);
    od_free(copy);
    return 1;
}

int od_decimal_to_double(uint64_t digits, int exponent, int truncated, const char *text, unsigned long size,
                         double *out)
{
    if (!truncated && digits == 0) {
        *out = 0;
    } else if (!truncated && digits <= (1ull << 53) && exponent >= -22 && exponent <= 22) {
        *out = exponent < 0 ? (double)digits / exact_powers[-exponent] : (double)digits * exact_powers[exponent];
    } else if (!truncated && exponent < 0 && exponent >= -19) {
        *out = divide_exactly(digits, -exponent);
    } else {
        if (!convert_slowly(text, size, out)) return 0;
        *out = fabs(*out); /* the sign is the caller's */
    }
    return 1;
}
