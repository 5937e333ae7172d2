# SPDX-License-Identifier: Apache-2.0
"""Writes tests/detection/data/samplers.safetensors: what the OD API's BalancedPositiveNegativeSampler draws in 4000 runs, both variants.

usage: PYTHONPATH=../shared/oracle python tests/oracle/sampler_statistics.py tests/detection/data/samplers.safetensors

For each case `NAME/...`: candidate, positive [60] uint8; settings [3]: size, fraction, static; times [60]: in how many runs each was drawn;
drawn [2]: how many positives and how many of any kind in each run (the same in all).
"""
import sys
import od_oracle  # noqa: F401
import numpy as np
import tensorflow as tf
from golden import save
from object_detection.core import balanced_positive_negative_sampler as sampler

N, RUNS = 60, 4000
INDEX = np.arange(N)
# name: candidates, positives, size, fraction, static
CASES = {
    'balanced': (INDEX % 3 != 0, INDEX % 5 == 0, 16, .25, False),
    'few_positives': (INDEX % 3 != 0, INDEX % 20 == 1, 24, .5, False),
    'few_candidates': (INDEX % 4 == 1, INDEX % 5 == 0, 30, .5, False),
    'no_positives': (INDEX % 3 != 0, INDEX < 0, 16, .25, False),
    'no_candidates': (INDEX < 0, INDEX % 5 == 0, 16, .25, False),
    'all': (INDEX >= 0, INDEX % 5 == 0, 60, 1, False),
    'odd_share': (INDEX % 3 != 0, INDEX % 2 == 0, 15, .33, False),
    'static': (INDEX % 3 != 0, INDEX % 5 == 0, 16, .25, True),
    'static_few_positives': (INDEX % 3 != 0, INDEX % 20 == 1, 24, .5, True),
    'static_few_candidates': (INDEX % 4 == 1, INDEX % 5 == 0, 30, .5, True),
    'static_no_positives': (INDEX % 3 != 0, INDEX < 0, 16, .25, True),
}


def draw(candidate, positive, size, fraction, is_static):
    s = sampler.BalancedPositiveNegativeSampler(positive_fraction=fraction, is_static=is_static)
    c, p = tf.constant(candidate), tf.constant(positive)

    @tf.function
    def runs():
        return tf.map_fn(lambda _: s.subsample(c, size, p), tf.range(RUNS), fn_output_signature=tf.bool)
    return runs().numpy()


if __name__ == '__main__':
    out = {}
    tf.random.set_seed(5)
    for name, (candidate, positive, size, fraction, is_static) in CASES.items():
        chosen = draw(candidate, positive, size, fraction, is_static)
        positives, everything = np.unique(chosen[:, positive].sum(1)), np.unique(chosen.sum(1))
        assert len(positives) == 1 and len(everything) == 1, name
        out.update({f'{name}/candidate': candidate.astype('u1'), f'{name}/positive': positive.astype('u1'), f'{name}/settings': np.array([size, fraction, is_static], 'f4'),
                    f'{name}/times': chosen.sum(0).astype('i4'), f'{name}/drawn': np.array([positives[0], everything[0]], 'i4')})
        print(name, 'positives', positives[0], 'all', everything[0])
    save(sys.argv[1], out)
