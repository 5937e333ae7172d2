/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 of a block of bytes as 64 hexadecimal digits (OpenSSL's libcrypto does the work).
 */
#ifndef OD_DATA_SHA256_H
#define OD_DATA_SHA256_H

#include "util/error.h"

#include <stddef.h>

/* `hex` receives 64 lower-case digits and a NUL. */
od_status od_sha256_hex(const void *bytes, size_t size, char hex[65], od_error *err);

#endif
