/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes as base64, for pictures inside the page (OpenSSL's libcrypto does the work).
 */
#ifndef OD_REPORT_BASE64_H
#define OD_REPORT_BASE64_H

#include "util/strbuf.h"

#include <stddef.h>

void od_base64_append(od_strbuf *out, const void *bytes, size_t size);

#endif
