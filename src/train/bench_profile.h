/* SPDX-License-Identifier: Apache-2.0
 *
 * The part of a benchmark that looks into the network: seconds and arithmetic by op and by node.
 */
#ifndef OD_TRAIN_BENCH_PROFILE_H
#define OD_TRAIN_BENCH_PROFILE_H

#include "models/model.h"
#include "objdet/bench.h"

/* Forgets the seconds that the network's profile has so far. */
void od_bench_profile_clear(od_instance *inst);
/* Fills gflops, and with `ops` also ops and slowest, from the profile of `steps` steps. */
void od_bench_profile_collect(od_instance *inst, int training, int ops, int64_t steps, od_bench_result *out);

#endif
