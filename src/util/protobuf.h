/* SPDX-License-Identifier: Apache-2.0
 *
 * protobuf-c on the library's own allocator, so that its allocations fail in tests like all others and a message's
 * size is bounded by the same checks.
 */
#ifndef OD_UTIL_PROTOBUF_H
#define OD_UTIL_PROTOBUF_H

#include "util/alloc.h"

#include <protobuf-c/protobuf-c.h>

static inline void *od_protobuf_alloc(void *data, size_t size)
{
    (void)data;
    return od_malloc(size, 1);
}

static inline void od_protobuf_release(void *data, void *p)
{
    (void)data;
    od_free(p);
}

/* For the `allocator` argument of ..._unpack and ..._free_unpacked. */
static inline ProtobufCAllocator od_protobuf_allocator(void)
{
    return (ProtobufCAllocator){od_protobuf_alloc, od_protobuf_release, 0};
}

#endif
