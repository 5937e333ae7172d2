# SPDX-License-Identifier: Apache-2.0
"""Reads a run that `test_events --write DIR` wrote with TensorBoard's own readers and checks every value.

tests/oracle/test_oracle_events.sh runs it when OD_ORACLE names a venv with TensorFlow and TensorBoard.
"""
import os, sys
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
from tensorboard import data_compat, dataclass_compat
from tensorboard.backend.event_processing import event_accumulator, event_file_loader, plugin_event_multiplexer
from tensorboard.compat.proto import summary_pb2
from tensorboard.util import tensor_util

COCO = ['Precision/mAP', 'Precision/mAP@.50IOU', 'Precision/mAP@.75IOU', 'Precision/mAP (small)', 'Precision/mAP (medium)',
        'Precision/mAP (large)', 'Recall/AR@1', 'Recall/AR@10', 'Recall/AR@100', 'Recall/AR@100 (small)',
        'Recall/AR@100 (medium)', 'Recall/AR@100 (large)']
TRAIN = ['Loss/classification_loss', 'Loss/localization_loss', 'Loss/regularization_loss', 'Loss/total_loss',
         'learning_rate', 'steps_per_sec']
root = sys.argv[1]


def accumulate(run):
    a = event_accumulator.EventAccumulator(os.path.join(root, run), size_guidance={event_accumulator.TENSORS: 0})
    a.Reload()
    return a


def check_scalars(a, expected):
    for tag, values in expected.items():
        got = [(e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in a.Tensors(tag)]
        assert got == values, (tag, got, values)
        assert a.SummaryMetadata(tag).plugin_data.plugin_name == 'scalars', tag


def check_images(a, tag, step, count):
    import tensorflow as tf
    (event,) = a.Tensors(tag)
    assert event.step == step and list(event.tensor_proto.string_val[:2]) == [b'2', b'1'], tag
    assert len(event.tensor_proto.string_val) == count + 2
    for png in event.tensor_proto.string_val[2:]:
        assert tf.io.decode_image(png).numpy().tolist() == [[[255, 0, 0], [0, 255, 0]]], tag
    assert a.SummaryMetadata(tag).plugin_data.plugin_name == 'images', tag


train, evaluation = accumulate('train'), accumulate('eval')
steps = (100, 200, 300)
expected = {tag: [(s, s + .25 * i) for s in steps] for i, tag in enumerate(TRAIN)}
check_scalars(train, expected)
check_images(train, 'train_input_images', 0, 2)
(text,) = train.Tensors('pipeline_config')
assert tensor_util.make_ndarray(text.tensor_proto).item() == b'    model {\n    }\n'
assert set(train.Tags()['tensors']) == set(expected) | {'train_input_images', 'pipeline_config'}

expected = {'DetectionBoxes_' + tag: [(s, i / 16 + s) for s in steps] for i, tag in enumerate(COCO)}
expected['DetectionBoxes_PerformanceByCategory/mAP/raccoon'] = [(300, .5)]
check_scalars(evaluation, expected)
check_images(evaluation, 'eval_side_by_side_3_0', 300, 1)
assert set(evaluation.Tags()['tensors']) == set(expected) | {'eval_side_by_side_3_0'}

# The way the server reads: every event through the compatibility layers, which decide the chart that shows a tag.
CLASSES = {'scalars': summary_pb2.DATA_CLASS_SCALAR, 'images': summary_pb2.DATA_CLASS_BLOB_SEQUENCE,
           'text': summary_pb2.DATA_CLASS_TENSOR}
for run in ('train', 'eval'):
    (name,) = os.listdir(os.path.join(root, run))
    events = list(event_file_loader.EventFileLoader(os.path.join(root, run, name)).Load())
    assert events[0].file_version == 'brain.Event:2'
    metadata = {}
    seen = set()
    for event in events:
        for migrated in dataclass_compat.migrate_event(data_compat.migrate_event(event), metadata):
            for value in migrated.summary.value:
                if value.tag not in seen:
                    assert value.metadata.data_class == CLASSES[value.metadata.plugin_data.plugin_name], value.tag
                seen.add(value.tag)
    assert seen == set(accumulate(run).Tags()['tensors'])
multiplexer = plugin_event_multiplexer.EventMultiplexer().AddRunsFromDirectory(root)
multiplexer.Reload()
assert set(multiplexer.Runs()) == {'train', 'eval'}, multiplexer.Runs()
print('TensorBoard reads all', len(train.Tags()['tensors']) + len(evaluation.Tags()['tensors']), 'tags')
