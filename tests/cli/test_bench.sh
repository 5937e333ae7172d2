#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet bench on a tiny config: the figures are there and agree with each other.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data
bench() { "$OBJDET" bench "$@" --num_threads=2; }

bench train --pipeline_config_path="$config" --steps=3 --json="$work/train.json" > "$work/out"
expect "$work/out" "training step, batch 4 of 96x96, 2 threads, "
for line in "step, input ready" "step with input" "images per second" "peak memory" "GFLOP of a step" "slowest nodes"; do expect "$work/out" "$line"; done
bench infer --pipeline_config_path="$config" --steps=3 --batch_size=2 --json="$work/infer.json" > "$work/out"
expect "$work/out" "forward pass, batch 2 of 96x96, 2 threads, "
expect "$work/out" "one image: with post-processing"
bench infer --pipeline_config_path="$config" --steps=1 --height=64 --json="$work/one.json" > "$work/out"
expect "$work/out" "forward pass, batch 1 of 64x96"
# Without the data only the step with input is missing, and the reason is told.
sed "s#$work/data/train.record#$work/nowhere.record#" "$config" > "$work/nodata.config"
bench train --pipeline_config_path="$work/nodata.config" --steps=1 --noops --json="$work/nodata.json" > "$work/out"
grep -qE "^step with input +not measured: train_input_reader: .*nowhere.record" "$work/out" || { cat "$work/out"; fail "the reason"; }

python3 - "$work" <<'END'
import json, sys
train, infer, one, nodata = (json.load(open(f'{sys.argv[1]}/{n}.json')) for n in ('train', 'infer', 'one', 'nodata'))
times = ['step_seconds', 'step_seconds_with_input', 'step_seconds_with_postprocessing', 'batch_1_step_seconds', 'batch_1_step_seconds_with_postprocessing']
keys = {'work', 'isa', 'batch_size', 'height', 'width', 'num_threads', 'images_per_second', 'startup_seconds', 'loss_seconds', 'update_seconds', 'gflop_per_step',
        'gflop_per_second', 'peak_rss_bytes', 'ops', 'slowest_nodes'} | set(times) | {t + '_min' for t in times}
def near(a, b): assert abs(a - b) <= 1e-9 * abs(b), (a, b)
for j, work, batch, measured in ((train, 'train', 4, times[:2]), (infer, 'infer', 2, [times[0]] + times[2:]), (one, 'infer', 1, [times[0]] + times[2:]), (nodata, 'train', 4, times[:1])):
    assert set(j) == keys, set(j) ^ keys
    assert j['work'] == work and j['batch_size'] == batch and j['num_threads'] == 2
    for t in times:
        if t in measured: assert 0 < j[t + '_min'] <= j[t] < 60, (t, j)
        else: assert j[t] is None and j[t + '_min'] is None, (t, j)
    near(j['images_per_second'] * j['step_seconds'], batch)
    near(j['gflop_per_second'] * j['step_seconds'], j['gflop_per_step'])
    assert 0 < j['startup_seconds'] < 60 and 4e6 < j['peak_rss_bytes'] < 1e9
assert not nodata['ops'] and not nodata['slowest_nodes'] and nodata['gflop_per_step'] == train['gflop_per_step']
assert one['batch_1_step_seconds'] == one['step_seconds'] and (one['height'], one['width']) == (64, 96)
for j in (train, infer):
    near(sum(o['gflop'] for o in j['ops'].values()), j['gflop_per_step'])
    assert j['ops']['conv2d']['nodes'] == 62 and j['ops']['depthwise_conv2d']['nodes'] == 41, j['ops']
    seconds = [n['forward_seconds'] + n['backward_seconds'] for n in j['slowest_nodes']]
    assert len(seconds) == 10 and seconds == sorted(seconds, reverse=True) and seconds[9] > 0
    total = [o['forward_seconds'] + o['backward_seconds'] for o in j['ops'].values()]
    assert total == sorted(total, reverse=True) and sum(seconds) < sum(total) < 3 * j['step_seconds'] * 2
    assert j['slowest_nodes'][0]['name'] and j['slowest_nodes'][0]['op'] in j['ops']
assert train['ops']['conv2d']['backward_seconds'] > 0 and infer['ops']['conv2d']['backward_seconds'] == 0
# All weights but the first convolution's get the gradient of their input as well: nearly three forward passes.
forward = infer['ops']['conv2d']['gflop'] / 2 * 4
assert 2.8 * forward < train['ops']['conv2d']['gflop'] < 3 * forward, (forward, train['ops'])
assert 0 < train['loss_seconds'] < train['step_seconds'] and infer['loss_seconds'] is None
END

refused 2 "$OBJDET" bench fly
expect "$work/out" "objdet bench: error: expected 'bench train' or 'bench infer'; see objdet bench --help"
for bad in "height is -1; expected 1 to 32768" "batch_size is -2; expected 1 to 65536" "steps is 99999999; expected 1 to 1000000" "num_threads is -3; expected 1 to 4096"; do
  refused 2 "$OBJDET" bench infer --pipeline_config_path="$config" "--${bad%% *}=$(echo "$bad" | sed 's/.* is \(.*\);.*/\1/')"
  [ "$(cat "$work/out")" = "objdet: error: $bad" ] || { cat "$work/out"; fail "$bad"; }
done
refused 1 "$OBJDET" bench infer --pipeline_config_path="$work/none.config"
[ "$(cat "$work/out")" = "objdet: error: $work/none.config: cannot open: No such file or directory" ] || { cat "$work/out"; fail "a missing config"; }
refused 1 bench infer --pipeline_config_path="$config" --steps=1 --json="$work/no/folder/x.json"
expect "$work/out" "objdet: error: $work/no/folder/x.json"
echo "bench works"
