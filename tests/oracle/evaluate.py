# SPDX-License-Identifier: Apache-2.0
"""The OD API evaluates the newest checkpoint of a model_dir; its metrics must equal ours.

usage: evaluate.py PIPELINE_CONFIG MODEL_DIR METRICS_JSON

PIPELINE_CONFIG names the evaluation data, METRICS_JSON is what `objdet eval` wrote for the same checkpoint. Prints each
metric from both; exits 1 when one differs by more than 2e-3 (a box more or less at an IoU threshold) or a loss by 1e-3 of it.
"""
import json, os, shutil, sys, tempfile
import od_oracle
import tensorflow as tf
from object_detection import model_lib_v2

config, model_dir, metrics = sys.argv[1:]
ours = json.load(open(metrics))
want = dict(ours['metrics'], **ours['losses'])
got = {}
write = tf.compat.v2.summary.scalar
def keep(name, data, step=None, **kw):
    got[name] = float(data)
    return write(name=name, data=data, step=step, **kw)
tf.compat.v2.summary.scalar = keep
with tempfile.TemporaryDirectory() as out:
    model_lib_v2.eval_continuously(pipeline_config_path=config, model_dir=out, checkpoint_dir=model_dir, wait_interval=1, timeout=1)
bad = 0
for name in sorted(want):
    if name not in got:
        print('missing from the OD API:', name); bad += 1; continue
    bound = 1e-3 * max(abs(want[name]), 1e-3) if name.startswith('Loss') else 2e-3
    ok = abs(got[name] - want[name]) <= bound
    bad += not ok
    print('%-4s %-50s OD API %.6f objdet %.6f' % ('ok' if ok else 'BAD', name, got[name], want[name]))
sys.exit(1 if bad else 0)
