/* SPDX-License-Identifier: Apache-2.0 */
#include "objdet/version.h"

const char *od_version(void)
{
    return "0.1.0";
}

const char *od_kernels_isa(void)
{
    return "ref";
}
