/* SPDX-License-Identifier: Apache-2.0 */
#include "data/sha256.h"

#include <openssl/evp.h>
#include <stdio.h>

od_status od_sha256_hex(const void *bytes, size_t size, char hex[65], od_error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    if (!EVP_Digest(bytes, size, digest, &length, EVP_sha256(), NULL) || length != 32)
        return od_error_set(err, OD_ERR_INTERNAL, "SHA-256 could not be computed");
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return OD_OK;
}
