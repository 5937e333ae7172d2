# SPDX-License-Identifier: Apache-2.0
"""Writes with TensorFlow: DIR/gzip.record and DIR/zlib.record (packed as a whole), DIR/plain.record with the same three examples,
each with other keys left out."""
import struct
import sys

import tensorflow as tf

T = tf.train


def feature(v):
    if isinstance(v[0], bytes):
        return T.Feature(bytes_list=T.BytesList(value=v))
    if isinstance(v[0], float):
        return T.Feature(float_list=T.FloatList(value=v))
    return T.Feature(int64_list=T.Int64List(value=v))


box = {"image/object/bbox/" + k: [v, v / 2] for k, v in [("ymin", 0.25), ("xmin", 0.5), ("ymax", 0.75), ("xmax", 0.625)]}
image = struct.pack("<2sIIIIiiHH24x", b"BM", 54, 0, 54, 40, 40, 20, 1, 24)  # a bitmap's header: 40 x 20 pixels
examples = [
    {"image/encoded": [image]},
    {"image/encoded": [image], "image/filename": [b"text.bmp"], "image/object/class/text": [b"cat", b"dog"], **box},
    {"image/encoded": [image], "image/object/class/label": [2, 1], "image/object/weight": [0.5, 1.0], "image/extra": [1.0], **box},
]
for name, packing in [("plain", ""), ("gzip", "GZIP"), ("zlib", "ZLIB")]:
    with tf.io.TFRecordWriter(f"{sys.argv[1]}/{name}.record", packing) as w:
        for e in examples:
            w.write(T.Example(features=T.Features(feature={k: feature(v) for k, v in e.items()})).SerializeToString())
