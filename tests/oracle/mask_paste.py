# SPDX-License-Identifier: Apache-2.0
"""Pasted masks as the OD API makes them: tests/detection/data/mask_paste.safetensors.

Usage: mask_paste.py OUT.safetensors     (in the OD API's environment, with ../shared/oracle on PYTHONPATH)

case/N/masks [k, mh, mw], case/N/boxes [k, 4], case/N/pasted [k, height, width] uint8 (above one half)
"""
import sys

import golden
import numpy as np
import tensorflow as tf
from object_detection.utils import ops

BOXES = np.array([[.1, .2, .6, .7], [0, 0, 1, 1], [-.2, .3, .4, 1.3], [.45, .5, .47, .9], [.3, .3, .3, .3], [.9, -.5, 1.8, .2]], np.float32)


def main():
    rng, out = np.random.default_rng(3), {}
    for n, (mh, mw, h, w) in enumerate([(33, 33, 48, 61), (15, 14, 37, 20), (7, 7, 1, 9), (1, 1, 12, 10), (2, 3, 64, 64)]):
        coarse = rng.random((len(BOXES), 5, 5)).astype(np.float32)
        masks = tf.image.resize(coarse[..., None], [mh, mw]).numpy()[..., 0]
        pasted = ops.reframe_box_masks_to_image_masks(tf.constant(masks), tf.constant(BOXES), h, w).numpy()
        out[f"case/{n}/masks"], out[f"case/{n}/boxes"], out[f"case/{n}/pasted"] = masks, BOXES, (pasted > .5).astype(np.uint8)
    golden.save(sys.argv[1], out)


main()
