/* SPDX-License-Identifier: Apache-2.0 */
#include "report/base64.h"

#include <openssl/evp.h>

void od_base64_append(od_strbuf *out, const void *bytes, size_t size)
{
    unsigned char text[4097];
    const unsigned char *p = bytes;
    while (size) { /* blocks of whole groups of 3 bytes; only the last one is padded */
        size_t n = size < 3072 ? size : 3072;
        int length = EVP_EncodeBlock(text, p, (int)n);
        od_strbuf_append(out, text, (size_t)length);
        p += n;
        size -= n;
    }
}
