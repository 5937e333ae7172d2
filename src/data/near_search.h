/* SPDX-License-Identifier: Apache-2.0
 *
 * Near copies among many images: candidates by locality-sensitive hashing of fingerprints (no comparison of all with all), each
 * then held against the pictures themselves. Everything that grows with the images or with what looks alike is sorted through temporary files.
 */
#ifndef OD_DATA_NEAR_SEARCH_H
#define OD_DATA_NEAR_SEARCH_H

#include "data/fingerprint_store.h"
#include "util/record_sort.h"

/* Two images that may be one, a < b, with the map from a to b as a guess. */
typedef struct od_near_candidate {
    int32_t a, b;
    float strength; /* higher is likelier: features that agree; for whole pictures 0..10 */
    od_affine guess;
} od_near_candidate;

/* Where candidates go. */
typedef struct od_near_candidates {
    od_record_sort *sort; /* of od_near_candidate */
    size_t memory;        /* bytes for each of the sorts that a search needs, about three at a time */
    int cut;              /* a limit was met: some may be missing */
} od_near_candidates;

/* Whole pictures: mirrored, turned by quarter turns, recoded, scaled, brighter. */
od_status od_near_candidates_whole(od_near_candidates *c, const od_fingerprint_store *prints, od_error *err);
/* Parts: cropped, turned by any angle. */
od_status od_near_candidates_local(od_near_candidates *c, const od_fingerprint_store *prints, od_error *err);

typedef struct od_near_pair {
    int32_t a, b;
    od_picture_match match;
} od_near_pair;

typedef struct od_near_search {
    const od_fingerprint_store *prints;
    /* Makes the picture of image `i`; from several threads. An image that can't be loaded any more matches nothing. */
    od_status (*load)(void *user, int32_t i, od_picture *out, od_error *err);
    void *user;
    int threads;
    size_t memory; /* as above; 0: 16 MiB */
    void (*progress)(void *user, int64_t done, int64_t total); /* may be NULL */
    void *progress_user;
} od_near_search;

/* *pairs sorted by (a, b), freed with od_free. *cut as above. OD_ERR_NOMEM, OD_ERR_IO (temporary files). */
od_status od_near_search_run(const od_near_search *s, od_near_pair **pairs, size_t *pair_count, int *cut, od_error *err);

#endif
