# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/fixtures/augmentations.safetensors: what the OD API's augmentations do.

Run in the oracle's environment: python tests/oracle/augmentations.py [CASE...] (with names: only these random cases and the fixed ones are made anew)
  python tests/oracle/augmentations.py --photo FILE X Y OUT: the fixed cases alone, of 19x27 pixels of a photograph
  fixed/IN/image [19,27,3] float, fixed/IN/boxes [4,4]: a picture made by a formula, its boxes
  fixed/CASE/image, fixed/CASE/boxes: the result with every random number given (see `fixed`)
  random/CASE [7, 201]: quantiles over DRAWS draws of the result's height, width, three channel means, number of boxes and
      weighted sum of their coordinates (1, 2, 4, 8), from a 60x80 picture whose channels are y, x and 100
tests/data/test_augment_kinds.c has the same cases.
"""
import json
import os
import sys

import numpy as np
import od_oracle  # pylint: disable=unused-import
import tensorflow as tf
from object_detection.core import preprocessor as pp

DRAWS = 20000
BOXES = np.array([[.1, .2, .5, .6], [.3, .7, .9, .95], [.75, .05, .85, .12], [.4, .4, .42, .41]], np.float32)
real_uniform = pp.tf.random_uniform


def picture(height, width):
    """Whole numbers 0..255, coloured and grainy; the test reads it from the file."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    grain = np.modf(np.sin(y * 12.9898 + x * 78.233) * 43758.5453)[0]
    planes = [127 + 90 * np.sin(.3 * x + c * 1.7) * np.cos(.23 * y - c) + 35 * grain for c in range(3)]
    return np.clip(np.rint(np.stack(planes, 2)), 0, 255).astype(np.float32)


class Given:
    """tf.random_uniform that gives these values (0..1 of the range asked for) one after the other."""

    def __init__(self, *values):
        self.values = list(values)

    def __call__(self, shape, minval=0, maxval=None, dtype=tf.float32, seed=None):
        u = self.values.pop(0)
        maxval = 1 if maxval is None else maxval
        if dtype == tf.int32:
            return tf.constant(int(np.floor(int(minval) + u * (int(maxval) - int(minval)))), tf.int32)
        return tf.constant(float(minval) + u * (float(maxval) - float(minval)), tf.float32)

    def __enter__(self):
        pp.tf.random_uniform = self
        return self

    def __exit__(self, *_):
        pp.tf.random_uniform = real_uniform


def fixed(out, given=None):
    image, boxes = tf.constant(picture(19, 27) if given is None else given), tf.constant(BOXES)
    labels, weights = tf.ones([4], tf.int32), tf.ones([4])
    out['fixed/IN/image'], out['fixed/IN/boxes'] = image.numpy(), BOXES

    def keep(name, result):
        result = result if isinstance(result, (tuple, list)) else [result]
        out[f'fixed/{name}/image'] = np.asarray(result[0], np.float32)
        if len(result) > 1: out[f'fixed/{name}/boxes'] = np.asarray(result[1], np.float32)

    for name, fn, lo, hi, value in [('brightness', pp.random_adjust_brightness, None, .5, .3), ('darkness', pp.random_adjust_brightness, None, .5, -.2),
                                    ('contrast', pp.random_adjust_contrast, 0, 2, 1.4), ('flat', pp.random_adjust_contrast, 0, 2, .4),
                                    ('hue', pp.random_adjust_hue, None, .5, .2), ('hue_back', pp.random_adjust_hue, None, .5, -.35),
                                    ('saturation', pp.random_adjust_saturation, 0, 2, 1.7), ('pale', pp.random_adjust_saturation, 0, 2, .3)]:
        low = -hi if lo is None else lo
        with Given((value - low) / (hi - low)):
            keep(name, fn(image, hi) if lo is None else fn(image, lo, hi))
    keep('gamma', pp.adjust_gamma(image, 2.2, 1.3))
    with Given(0.0): keep('gray', pp.random_rgb_to_gray(image))
    keep('normalize', pp.normalize_image(image, 10, 250, -1, 2))
    keep('means', pp.subtract_channel_mean(image, [10., 20., 30.]))
    with Given(0.0): keep('vertical', pp.random_vertical_flip(image, boxes))
    with Given(0.0): keep('rotation', pp.random_rotation90(image, boxes))
    with Given(.5, .5, .5, .5): keep('pad', pp.random_pad_image(image, boxes))             # 28 x 40 at 4, 6
    with Given(.6, .1, .9, .2): keep('pad_color', pp.random_pad_image(image, boxes, pad_color=tf.constant([1., 2., 3.])))
    for i, given in enumerate([(.0, .2, .6), (.99, .9, .1), (.5, .5, .5)]):
        with Given(*given): keep(f'square{i}', pp.random_square_crop_by_scale(image, boxes, labels, weights, max_border=8))
    for i, given in enumerate([(.2, .3, .6), (.8, .3, .6), (.95, .9, 0)]):
        with Given(*given): keep(f'scale_crop{i}', pp.random_scale_crop_and_pad_to_square(image, boxes, labels, weights, output_size=24))
    with Given(.6): keep('image_scale', pp.random_image_scale(image))
    with Given(0.0, .5): keep('downscale', pp.random_downscale_to_target_pixels(image, None, 100, 300))
    with Given(0.0, .3): keep('jpeg', pp.random_jpeg_quality(image))                        # quality 30
    for k in range(4):  # bilinear, nearest, bicubic, area; the selection is a graph's
        def selected(x, k=k):
            with Given(k / 4 + .01): return pp.random_resize_method(x, [31, 22])
        keep(f'resize_method{k}', tf.function(selected)(image))
    with Given(0.0, 0.0): keep('concat', pp.random_self_concat_image(image, boxes, labels, weights))


def cases():
    """name -> function of (image, boxes, labels, weights) giving (image, boxes)."""
    def on_image(fn, **options): return lambda i, b, l, w: (fn(i, **options), b)
    def on_boxes(fn, **options): return lambda i, b, l, w: (i, fn(b, **options))
    def all_of(fn, **options): return lambda i, b, l, w: fn(i, b, l, w, **options)[:2]
    def image_and_boxes(fn, **options): return lambda i, b, l, w: fn(i, b, **options)[:2]
    yield 'random_vertical_flip', image_and_boxes(pp.random_vertical_flip, probability=.3)
    yield 'random_rotation90', image_and_boxes(pp.random_rotation90)
    yield 'random_crop_to_aspect_ratio', all_of(pp.random_crop_to_aspect_ratio, aspect_ratio=.8)
    yield 'random_pad_image', image_and_boxes(pp.random_pad_image)
    yield 'random_absolute_pad_image', image_and_boxes(pp.random_absolute_pad_image, max_height_padding=20, max_width_padding=30)
    yield 'random_crop_pad_image', all_of(pp.random_crop_pad_image, min_object_covered=.4)
    yield 'ssd_random_crop', all_of(pp.ssd_random_crop)
    yield 'ssd_random_crop_pad', all_of(pp.ssd_random_crop_pad)
    yield 'ssd_random_crop_fixed_aspect_ratio', all_of(pp.ssd_random_crop_fixed_aspect_ratio)
    yield 'ssd_random_crop_pad_fixed_aspect_ratio', all_of(pp.ssd_random_crop_pad_fixed_aspect_ratio)
    yield 'random_square_crop_by_scale', all_of(pp.random_square_crop_by_scale)
    yield 'random_scale_crop_and_pad_to_square', all_of(pp.random_scale_crop_and_pad_to_square, output_size=64)
    yield 'random_image_scale', lambda i, b, l, w: (pp.random_image_scale(i)[0], b)
    yield 'random_downscale_to_target_pixels', lambda i, b, l, w: (pp.random_downscale_to_target_pixels(i, None, 1000, 6000)[0], b)
    yield 'random_adjust_brightness', on_image(pp.random_adjust_brightness)
    yield 'random_adjust_contrast', on_image(pp.random_adjust_contrast)
    yield 'random_adjust_hue', on_image(pp.random_adjust_hue)
    yield 'random_adjust_saturation', on_image(pp.random_adjust_saturation)
    yield 'random_distort_color', on_image(pp.random_distort_color)
    yield 'random_distort_color1', on_image(pp.random_distort_color, color_ordering=1)
    yield 'random_pixel_value_scale', on_image(pp.random_pixel_value_scale)
    yield 'random_rgb_to_gray', on_image(pp.random_rgb_to_gray, probability=.4)
    yield 'random_black_patches', on_image(pp.random_black_patches)
    yield 'random_patch_gaussian', on_image(pp.random_patch_gaussian, max_patch_size=50, random_coef=.2)
    yield 'random_jitter_boxes', on_boxes(pp.random_jitter_boxes, ratio=.2)
    yield 'random_jitter_boxes_expand', on_boxes(pp.random_jitter_boxes, ratio=.3, jitter_mode='expand')
    yield 'random_jitter_boxes_shrink_symmetric', on_boxes(pp.random_jitter_boxes, ratio=.3, jitter_mode='shrink_symmetric')
    yield 'random_jitter_boxes_expand_symmetric_xy', on_boxes(pp.random_jitter_boxes, ratio=.3, jitter_mode='expand_symmetric_xy')
    yield 'drop_label_probabilistically', lambda i, b, l, w: (i, pp.drop_label_probabilistically(b, l, w, dropped_label=1, drop_probability=.3)[0])
    yield 'random_resize_method', lambda i, b, l, w: (pp.random_resize_method(i, [37, 31]), b)
    yield 'random_self_concat_image', all_of(pp.random_self_concat_image, concat_vertical_probability=.3, concat_horizontal_probability=.4)


def random(out, only):
    height, width = 60, 80
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing='ij') + [np.full((height, width), 100)], 2)
    image, boxes = tf.constant(grid, tf.float32), tf.constant(BOXES)
    labels, weights = tf.ones([4], tf.int32), tf.ones([4])
    tf.random.set_seed(11)
    for name, fn in cases():
        if only and name not in only: continue
        def one(_, fn=fn):
            result, kept = fn(image, boxes, labels, weights)
            shape = tf.cast(tf.shape(result), tf.float32)
            return tf.concat([shape[:2], tf.reduce_mean(result, [0, 1]), [tf.cast(tf.shape(kept)[0], tf.float32), tf.reduce_sum(kept * [1., 2., 4., 8.])]], 0)
        try:
            draws = next(iter(tf.data.Dataset.range(DRAWS).map(one, num_parallel_calls=2).batch(DRAWS))).numpy()
        except tf.errors.InternalError as e:  # ssd_random_crop_pad: TF2's control flow can't run it
            print(name, 'fails in TensorFlow 2:', str(e)[-80:], flush=True)
            continue
        print(name, draws.mean(0).round(3), draws.std(0).round(3), flush=True)
        out['random/' + name] = np.quantile(draws, np.linspace(0, 1, 201), axis=0, method='inverted_cdf').T.astype(np.float32)


def save(path, tensors):
    header, blobs, at = {}, [], 0
    for name, value in tensors.items():
        value = np.ascontiguousarray(value, np.float32)
        header[name] = {'dtype': 'F32', 'shape': list(value.shape), 'data_offsets': [at, at + value.nbytes]}
        blobs.append(value.tobytes())
        at += value.nbytes
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(len(text).to_bytes(8, 'little') + text + b''.join(blobs))


def load(path):
    with open(path, 'rb') as f:
        data = f.read()
    start = 8 + int.from_bytes(data[:8], 'little')
    return {name: np.frombuffer(data[start + t['data_offsets'][0]:start + t['data_offsets'][1]], np.float32).reshape(t['shape'])
            for name, t in json.loads(data[8:start]).items()}


def photo(path, x, y):
    pixels = tf.io.decode_image(tf.io.read_file(path), 3).numpy().astype(np.float32)[y:y + 19, x:x + 27]
    if pixels.shape != (19, 27, 3): sys.exit(f'{path} has no 19x27 pixels at {x}, {y}')
    return pixels


def main():
    if sys.argv[1:2] == ['--photo']:
        out = {}
        fixed(out, photo(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
        save(sys.argv[5], out)
        return
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'fixtures', 'augmentations.safetensors')
    only = sys.argv[1:]
    out = load(path) if only else {}
    fixed(out)
    random(out, only)
    save(path, out)


if __name__ == '__main__':
    main()
