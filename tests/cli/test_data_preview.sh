#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# objdet data preview: a page with every augmentation alone and all in order; warns of falsified labels; clear errors.
. "$OD_SOURCE_DIR/tests/cli/train_support.sh"
make_data
page="$work/preview.html"

"$OBJDET" data preview --pipeline_config_path="$config" --images=2 --draws=3 --output="$page" > "$work/out"
expect "$work/out" "wrote $page"
steps=$(grep -c '^ *data_augmentation_options' "$config")
[ "$steps" -ge 1 ] || fail "the synthetic config augments nothing"
expect "$page" "random_horizontal_flip"
# One picture as it is and three draws, of two pictures, for all steps together and for each.
[ "$(grep -c '<img ' "$page")" = $(((steps + 1) * 2 * 4)) ] || fail "$(grep -c '<img ' "$page") pictures, expected $(((steps + 1) * 2 * 4))"
if grep -q "Falsifies labels" "$page"; then fail "squares and triangles have no left and right"; fi
if grep -qE 'src="(http|/|file)' "$page"; then fail "the page loads something"; fi
"$OBJDET" data preview --pipeline_config_path="$config" --images=2 --draws=3 --output="$page.again" > /dev/null
cmp "$page" "$page.again" || fail "the same seed gave another page"
"$OBJDET" data preview --pipeline_config_path="$config" --images=2 --draws=3 --seed=1 --output="$page.other" > /dev/null
if cmp -s "$page" "$page.other"; then fail "another seed gave the same page"; fi

sed -i 's/square/left lung/; s/triangle/right lung/' "$work/data/label_map.pbtxt" # ids stay; names that a mirror falsifies
sed 's/"square"/"left lung"/g; s/"triangle"/"right lung"/g' "$work/data/train.json" > "$work/data/lungs.json"
"$OBJDET" data preview --pipeline_config_path="$config" --input_path="$work/data/lungs.json" --images=1 --draws=1 --output="$page" > /dev/null
expect "$page" "Falsifies labels: after it the boxes of these classes show another class: left lung, right lung"

refused 2 "$OBJDET" data preview --pipeline_config_path="$config" --images=0 --output="$page"
expect "$work/out" "0 pictures and 4 draws of each; expected 1 to 50 and 1 to 20"
refused 2 "$OBJDET" data preview --output="$page"
expect "$work/out" "needs --pipeline_config_path and --output"
sed 's/random_horizontal_flip *{[^}]*}/autoaugment_image { }/' "$config" > "$work/data/auto.config"
refused 1 "$OBJDET" data preview --pipeline_config_path="$work/data/auto.config" --output="$page"
expect "$work/out" "autoaugment_image isn't supported"
