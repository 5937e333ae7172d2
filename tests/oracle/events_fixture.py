# SPDX-License-Identifier: Apache-2.0
"""Writes tests/events/data/tf_events: event files by TensorFlow's own writers (run with the OD API's environment).

    python tests/oracle/events_fixture.py tests/events/data/tf_events

tf2 holds what tf.summary.* writes, as the OD API's loops call it; tf1 what TF1's Summary protos hold; types one scalar of
each number type. Values are simple so that tests can name them.
"""
import os, shutil, sys
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
import numpy as np
import tensorflow as tf


def rename(folder, name):
    (file,) = os.listdir(folder)
    os.rename(os.path.join(folder, file), os.path.join(folder, 'events.out.tfevents.' + name))


def main(out):
    shutil.rmtree(out, ignore_errors=True)
    tf2 = os.path.join(out, 'tf2')
    with tf.summary.create_file_writer(tf2).as_default():
        picture = np.zeros([2, 3, 4, 3], np.uint8)
        picture[0, 0, 0], picture[1] = 255, 128
        tf.summary.image('train_input_images', picture, step=0, max_outputs=3)
        for step in (100, 200, 300):
            tf.summary.scalar('Loss/total_loss', 1 / step, step=step)
            tf.summary.scalar('learning_rate', step * 1e-5, step=step)
        tf.summary.scalar('DetectionBoxes_Precision/mAP (small)', -1.0, step=300)
        tf.summary.text('note', 'two\nlines', step=5)
        tf.summary.histogram('weights', [1.0, 2.0, 3.0], step=100)
    rename(tf2, '1700000000.host.1.0.v2')

    tf1 = os.path.join(out, 'tf1')
    with tf.Graph().as_default():
        writer = tf.compat.v1.summary.FileWriter(tf1)
        for step in (0, 10, 20):
            writer.add_summary(tf.compat.v1.Summary(value=[
                tf.compat.v1.Summary.Value(tag='Losses/TotalLoss', simple_value=5.0 - step / 10),
                tf.compat.v1.Summary.Value(tag='global_step/sec', simple_value=2.5)]), step)
        png = tf.compat.v1.Session().run(tf.io.encode_png(np.zeros([5, 7, 3], np.uint8)))
        writer.add_summary(tf.compat.v1.Summary(value=[tf.compat.v1.Summary.Value(
            tag='image-0', image=tf.compat.v1.Summary.Image(height=5, width=7, colorspace=3, encoded_image_string=png))]), 20)
        writer.close()
    rename(tf1, '1700000000.host')

    types = os.path.join(out, 'types')
    metadata = tf.compat.v1.SummaryMetadata(plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name='scalars'))
    path = os.path.join(types, 'events.out.tfevents.1700000000.host.1.0.v2')
    os.makedirs(types)
    with tf.io.TFRecordWriter(path) as records:
        def record(tag, tensor, first, step):
            value = tf.compat.v1.Summary.Value(tag=tag, tensor=tensor, metadata=metadata if first else None)
            records.write(tf.compat.v1.Event(wall_time=step, step=step, summary=tf.compat.v1.Summary(value=[value])).SerializeToString())
        for name in ('float32', 'float64', 'float16', 'bfloat16', 'int32', 'int64'):
            dtype = tf.as_dtype(name)
            array = tf.cast(tf.constant(-3.5, tf.float64), dtype).numpy()
            record(name + '/val', tf.make_tensor_proto(array), True, 1)  # in the typed field
            content = tf.make_tensor_proto(array)
            for field in ('float_val', 'double_val', 'half_val', 'int_val', 'int64_val'):
                content.ClearField(field)
            content.tensor_content = array.tobytes()
            record(name + '/content', content, True, 1)
        record('float32/val', tf.make_tensor_proto(np.float32(4.25)), False, 2)  # no metadata after the first
        record('unnamed', tf.make_tensor_proto(np.float32(1)), False, 1)  # no plugin at all: no scalar
        record('vector', tf.make_tensor_proto(np.float32([1, 2])), True, 1)  # no single number: no scalar


main(sys.argv[1])
