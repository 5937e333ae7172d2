#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet model list and show: what they print, the drawing, and what they say to wrong input.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $1"; exit 1; }

"$OBJDET" model list > "$dir/list"
for type in ssd_mobilenet_v1_keras ssd_mobilenet_v2_keras ssd_mobilenet_v1_fpn_keras ssd_mobilenet_v2_fpn_keras ssd_resnet50_v1_fpn_keras ssd_resnet101_v1_fpn_keras \
            ssd_resnet152_v1_fpn_keras; do
  grep -qx "  $type" "$dir/list" || fail "$type is not in the list"
done

# The small network of tests/data: 1 class, FPNLite. The backbone is MobileNetV2's 2.26 million parameters.
"$OBJDET" model show "$OD_SOURCE_DIR/tests/data/ssd_fpnlite.config" --height=320 --width=320 --svg="$dir/net.svg" > "$dir/out"
cp "$dir/out" "$dir/shown"
head -1 "$dir/out" | grep -qE '^ssd_mobilenet_v2_fpn_keras \(ssd\), [0-9]+ class(es)?, 320 x 320$' || fail "the first line: $(head -1 "$dir/out")"
grep -qE '^backbone +2\.258 M +1\.[0-9]{3}$' "$dir/out" || fail "the backbone's line: $(grep backbone "$dir/out")"
grep -qE '^anchors +12804$' "$dir/out" || fail "anchors: $(grep anchors "$dir/out")"
grep -qE '^memory, training +[0-9]+ MB, and [0-9.]+ MB for each further image of a batch$' "$dir/out" || fail "memory"
python3 - "$dir/net.svg" <<'EOF' || fail "the drawing"
import sys, xml.etree.ElementTree as t
texts = [e.text for e in t.parse(sys.argv[1]).getroot().iter('{http://www.w3.org/2000/svg}text')]
assert texts[0].startswith('ssd_mobilenet_v2_fpn_keras'), texts[0]
assert 'conv2d 3x3/2 32 bn relu6' in texts and 'depthwise 3x3/2 96 bn relu6' in texts and texts.count('upsample2x') == 2, texts
assert {'160 rows', '40 rows', '3 rows'} <= set(texts), texts
EOF

# CenterNet: a whole hourglass network is backbone; of the MobileNetV2 network (2.258 M parameters of it are MobileNetV2's) the layers after it are neck.
center() { # type
  printf 'model { center_net { num_classes: 1 feature_extractor { type: "%s" depth_multiplier: 1 } image_resizer { fixed_shape_resizer { height: 128 width: 128 } }
    object_detection_task { localization_loss { l1_localization_loss {} } } object_center_params { classification_loss { penalty_reduced_logistic_focal_loss {} } } } }\n' "$1" > "$dir/center.config"
  "$OBJDET" model show "$dir/center.config" > "$dir/out" || fail "$1"
}
center hourglass_10
grep -q '^backbone ' "$dir/out" && ! grep -q '^neck ' "$dir/out" || fail "hourglass_10: $(cat "$dir/out")"
center mobilenet_v2
grep -qE '^backbone +2\.258 M ' "$dir/out" && grep -q '^neck ' "$dir/out" || fail "mobilenet_v2: $(cat "$dir/out")"

"$OBJDET" model show --pipeline_config_path="$OD_SOURCE_DIR/tests/data/ssd_fpnlite.config" --height=320 --width=320 --svg="$dir/net.svg" | diff - "$dir/shown" || fail "with --pipeline_config_path"
# Adam has two numbers a weight, momentum one: 4 bytes times all parameters more, of the first image only.
for optimizer in momentum_optimizer adam_optimizer; do
  { cat "$dir/center.config"; printf 'train_config { optimizer { %s { learning_rate { constant_learning_rate { learning_rate: 0.1 } } } use_moving_average: false } }\n' "$optimizer"; } > "$dir/$optimizer.config"
  "$OBJDET" model show "$dir/$optimizer.config" | sed -nE 's/^memory, training +([0-9]+) MB.*/\1/p; s/^all +([0-9.]+) M.*/\1/p' | tr '\n' ' ' > "$dir/$optimizer.out"
done
awk 'NR == 1 {megabytes = $2} NR == 2 {exit !($2 - megabytes > 4 * $1 - 1.1 && $2 - megabytes < 4 * $1 + 1.1)}' "$dir/momentum_optimizer.out" "$dir/adam_optimizer.out" ||
  fail "Adam's memory: $(cat "$dir"/*_optimizer.out)"

"$OBJDET" model show "$dir/none.config" 2> "$dir/err" && fail "a missing config must fail"
grep -q "^objdet: error: $dir/none.config: " "$dir/err" || fail "a missing config: $(cat "$dir/err")"
"$OBJDET" model draw 2> "$dir/err" && fail "an unknown action must fail"
[ "$(cat "$dir/err")" = "objdet model: error: expected 'list', or 'show' and a pipeline.config; see objdet model --help" ] || fail "unknown action: $(cat "$dir/err")"
echo ok
