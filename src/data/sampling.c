/* SPDX-License-Identifier: Apache-2.0 */
#include "data/sampling.h"

#include "util/alloc.h"

static od_status weigh(const od_dataset *ds, const float *path_weights, size_t path_count, double *sums, double *weights, od_error *err)
{
    int64_t n = od_dataset_size(ds);
    for (int64_t i = 0; i < n; i++) {
        weights[i] = od_dataset_share(ds, i);
        if (path_weights) sums[od_dataset_path_of(ds, i)] += weights[i];
    }
    for (size_t p = 0; p < path_count && path_weights; p++)
        if (path_weights[p] > 0 && !(sums[p] > 0))
            return od_error_set(err, OD_ERR_FORMAT, "sample_from_datasets_weights: input_path %zu has the weight %g and no images", p + 1, (double)path_weights[p]);
    for (int64_t i = 0; i < n && path_weights; i++) {
        int path = od_dataset_path_of(ds, i);
        weights[i] *= (double)path_weights[path] / sums[path];
    }
    return OD_OK;
}

static int all_equal(const double *weights, int64_t n)
{
    for (int64_t i = 1; i < n; i++)
        if (weights[i] != weights[0]) return 0;
    return 1;
}

od_status od_sampling_weights(const od_dataset *ds, const float *path_weights, size_t path_count, double **weights, od_error *err)
{
    int64_t n = od_dataset_size(ds);
    double *w = od_malloc((size_t)n, sizeof *w), *sums = od_calloc(path_count + 1, sizeof *sums);
    od_status status = w && sums ? weigh(ds, path_weights, path_count, sums, w, err) : od_error_nomem(err, "sampling weights");
    od_free(sums);
    if (status != OD_OK || all_equal(w, n)) {
        od_free(w);
        w = NULL;
    }
    *weights = w;
    return status;
}
