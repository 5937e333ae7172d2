/* SPDX-License-Identifier: Apache-2.0
 *
 * protobuf-c's memory from util/alloc.h.
 *
 *     int no_memory;
 *     ProtobufCAllocator allocator = od_proto_allocator(&no_memory);
 *     m = x__unpack(&allocator, size, bytes);      // NULL: no_memory tells whether memory or the bytes were at fault
 *     x__free_unpacked(m, &allocator);
 */
#ifndef OD_UTIL_PROTO_ALLOC_H
#define OD_UTIL_PROTO_ALLOC_H

#include <protobuf-c/protobuf-c.h>

/* Sets *no_memory to 0, and to 1 when an allocation fails. NULL when nobody asks. */
ProtobufCAllocator od_proto_allocator(int *no_memory);

#endif
