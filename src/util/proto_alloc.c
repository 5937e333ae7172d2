/* SPDX-License-Identifier: Apache-2.0 */
#include "util/proto_alloc.h"

#include "util/alloc.h"

static void *proto_malloc(void *no_memory, size_t size)
{
    void *p = od_malloc(size, 1);
    if (!p && no_memory) *(int *)no_memory = 1;
    return p;
}

static void proto_free(void *no_memory, void *p)
{
    (void)no_memory;
    od_free(p);
}

ProtobufCAllocator od_proto_allocator(int *no_memory)
{
    if (no_memory) *no_memory = 0;
    return (ProtobufCAllocator){.alloc = proto_malloc, .free = proto_free, .allocator_data = no_memory};
}
