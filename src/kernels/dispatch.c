/* SPDX-License-Identifier: Apache-2.0
 *
 * Builds the kernel tables once: each starts as the portable one and is overridden by its instruction set, if the
 * build has it and the processor and the operating system support it (saving the wide registers included, which
 * __builtin_cpu_supports checks).
 */
#include "kernels/kernels_impl.h"
#include "objdet/version.h"
#include "util/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { REF, AVX2, AVX512, ISA_COUNT };

static const char *const isa_names[ISA_COUNT] = {"ref", "avx2", "avx512"};
static od_kernels tables[ISA_COUNT]; /* written under `once` only */
static const od_kernels *chosen;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_ref(od_kernels *t)
{
    t->isa = isa_names[REF];
    od__kernels_gemm_ref(t);
    od__kernels_rows_ref(t);
    od__kernels_dw_ref(t);
    od__kernels_winograd_ref(t);
}

/* AVX2 with FMA, then AVX-512 on top of the same machine's AVX2. */
static void fill_x86(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return;
    tables[AVX2] = tables[REF];
    tables[AVX2].isa = isa_names[AVX2];
    od__kernels_gemm_avx2(&tables[AVX2]);
    od__kernels_gemm_tn_avx2(&tables[AVX2]);
    od__kernels_rows_avx2(&tables[AVX2]);
    od__kernels_dw_avx2(&tables[AVX2]);
    od__kernels_winograd_avx2(&tables[AVX2]);
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512vl") ||
        !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq"))
        return;
    tables[AVX512] = tables[AVX2];
    tables[AVX512].isa = isa_names[AVX512];
    od__kernels_gemm_avx512(&tables[AVX512]);
    od__kernels_gemm_tn_avx512(&tables[AVX512]);
    od__kernels_rows_avx512(&tables[AVX512]);
    od__kernels_dw_avx512(&tables[AVX512]);
    od__kernels_winograd_avx512(&tables[AVX512]);
#endif
}

static const od_kernels *find(const char *name)
{
    for (int i = 0; i < ISA_COUNT; i++)
        if (tables[i].isa && !strcmp(name, tables[i].isa)) return &tables[i];
    return NULL;
}

static void build_tables(void)
{
    fill_ref(&tables[REF]);
    fill_x86();
    for (int i = 0; i < ISA_COUNT; i++)
        if (tables[i].isa) chosen = &tables[i];
    const char *forced = getenv("OBJDET_ISA");
    if (!forced || !forced[0]) return;
    const od_kernels *wanted = find(forced);
    if (!wanted)
        od_log(OD_LOG_WARNING, "OBJDET_ISA=%s: expected ref, avx2 or avx512, and one that this processor has; using %s",
               forced, chosen->isa);
    else
        chosen = wanted;
}

const od_kernels *od_kernels_get(void)
{
    pthread_once(&once, build_tables);
    return chosen;
}

const od_kernels *od_kernels_for(const char *isa)
{
    pthread_once(&once, build_tables);
    return find(isa);
}

const char *od_version(void)
{
    return "0.1.0";
}

const char *od_kernels_isa(void)
{
    return od_kernels_get()->isa;
}
