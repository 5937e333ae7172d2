# SPDX-License-Identifier: Apache-2.0
"""Writes into a folder what the OD API's input pipeline makes of options that few configs use: multiclass scores, boxes merged, labels expanded
by a hierarchy, and sequence examples. The records and label maps are written first, so that objdet reads the same.

usage: PYTHONPATH=../shared/oracle python tests/oracle/input_options.py tests/data/fixtures/input_options

input_options.safetensors: for each case NAME/...: reader, train (the messages' texts) and, for example i, NAME/i/{boxes,classes,weights,confidences}
(classes [boxes, 3] as the loss gets them; boxes relative to the resized image), image [8,8,3] where it matters, frames' source_id.
Cases that the OD API refuses have NAME/error instead.
"""
import io, os, sys
import od_oracle
import numpy as np, tensorflow as tf, PIL.Image
from google.protobuf import text_format
from golden import save
from object_detection import inputs
from object_detection.protos import eval_pb2, input_reader_pb2, model_pb2, train_pb2

MODEL = '''ssd { num_classes: 3 image_resizer { fixed_shape_resizer { height: 8 width: 8 } }
  feature_extractor { type: 'ssd_mobilenet_v2_keras' conv_hyperparams { initializer { random_normal_initializer { } } } }
  box_coder { faster_rcnn_box_coder { } } matcher { argmax_matcher { } } similarity_calculator { iou_similarity { } }
  box_predictor { convolutional_box_predictor { conv_hyperparams { initializer { random_normal_initializer { } } } } }
  anchor_generator { ssd_anchor_generator { num_layers: 2 } } loss { localization_loss { weighted_smooth_l1 { } } classification_loss { weighted_sigmoid { } } }
  post_processing { batch_non_max_suppression { } } }'''
MAP = '''item { id: 1 name: 'animal' }
item { id: 2 name: 'dog' ancestor_ids: 1 }
item { id: 3 name: 'puppy' ancestor_ids: [1, 2] }
'''
MAP_DOWN = '''item { id: 1 name: 'animal' descendant_ids: [2, 3] }
item { id: 2 name: 'dog' ancestor_ids: 1 descendant_ids: 3 }
item { id: 3 name: 'puppy' ancestor_ids: [1, 2] }
'''
BOXES = np.array([[.1, .2, .5, .6], [.3, .1, .9, .8], [.1, .2, .5, .6], [.3, .1, .9, .8], [.25, .5, .75, 1.]], 'f4')
CLASSES = [1, 2, 3, 2, 3]

def png(seed):
    pixels = np.random.RandomState(seed).randint(0, 255, (6, 10, 3)).astype('u1'); b = io.BytesIO(); PIL.Image.fromarray(pixels).save(b, 'PNG'); return b.getvalue()
def feature(v):
    if isinstance(v, (bytes, str)) or (len(v) and isinstance(v[0], (bytes, str))):
        v = [v] if isinstance(v, (bytes, str)) else v
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[x if isinstance(x, bytes) else x.encode() for x in v]))
    if len(v) and isinstance(v[0], float): return tf.train.Feature(float_list=tf.train.FloatList(value=v))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=v))
NAMES = {1: 'animal', 2: 'dog', 3: 'puppy'}

def example(seed, count=5, **more):
    b = [[float(x) for x in BOXES[:count, k]] for k in range(4)]
    f = {'image/encoded': png(seed), 'image/format': 'png', 'image/filename': f'{seed}.png', 'image/source_id': str(seed), 'image/height': [6], 'image/width': [10]}
    if count: f.update({'image/object/bbox/ymin': b[0], 'image/object/bbox/xmin': b[1], 'image/object/bbox/ymax': b[2], 'image/object/bbox/xmax': b[3],
                        'image/object/class/label': CLASSES[:count], 'image/object/class/text': [NAMES[c] for c in CLASSES[:count]]})
    f.update(more)
    return tf.train.Example(features=tf.train.Features(feature={k: feature(v) for k, v in f.items()})).SerializeToString()

def sequence(first, frames, weights=None):
    lists = {k: [] for k in ('image/encoded', 'image/source_id', 'region/bbox/ymin', 'region/bbox/xmin', 'region/bbox/ymax', 'region/bbox/xmax', 'region/label/string', 'region/is_annotated')}
    if weights: lists['region/label/confidence'] = []
    for i, n in enumerate(frames):
        lists['image/encoded'].append(feature(png(first + i))); lists['image/source_id'].append(feature(f'frame{first + i}'))
        for k, side in enumerate(('ymin', 'xmin', 'ymax', 'xmax')): lists['region/bbox/' + side].append(tf.train.Feature(float_list=tf.train.FloatList(value=BOXES[:n, k])))
        lists['region/label/string'].append(tf.train.Feature(bytes_list=tf.train.BytesList(value=[NAMES[c].encode() for c in CLASSES[:n]])))
        lists['region/is_annotated'].append(feature([1 if n else 0]))
        if weights: lists['region/label/confidence'].append(tf.train.Feature(float_list=tf.train.FloatList(value=[weights * (j + 1) for j in range(n)])))
    context = tf.train.Features(feature={'image/format': feature('png'), 'image/height': feature([6]), 'image/width': feature([10])})
    return tf.train.SequenceExample(context=context, feature_lists=tf.train.FeatureLists(feature_list={k: tf.train.FeatureList(feature=v) for k, v in lists.items()})).SerializeToString()

def write(path, records):
    with tf.io.TFRecordWriter(path) as w:
        for r in records: w.write(r)

SCORES = [.1, .2, .7, 0., 1., 0., .5, .25, .25, 1., 1., 1., .0, .3, .6]
CASES = dict(
    plain=dict(reader=''),
    multiclass_scores=dict(record='scores', reader='load_multiclass_scores: true', train='use_multiclass_scores: true'),
    multiclass_scores_alone=dict(record='scores', reader='load_multiclass_scores: true'),
    multiclass_scores_missing=dict(reader='load_multiclass_scores: true', train='use_multiclass_scores: true'),
    multiclass_scores_not_loaded=dict(record='scores', reader='', train='use_multiclass_scores: true'),
    softmax_scores=dict(record='scores', reader='load_multiclass_scores: true', train='use_multiclass_scores: true data_augmentation_options { convert_class_logits_to_softmax { temperature: 2 } }'),
    softmax_not_loaded=dict(record='scores', reader='', train='data_augmentation_options { convert_class_logits_to_softmax { temperature: 2 } }'),
    merged=dict(reader='', train='merge_multiple_label_boxes: true'),
    merged_scores=dict(record='scores', reader='load_multiclass_scores: true', train='use_multiclass_scores: true merge_multiple_label_boxes: true'),
    hierarchy=dict(reader='expand_labels_hierarchy: true'),
    hierarchy_down=dict(map='down', record='lists', reader='expand_labels_hierarchy: true', evaluate=True),
    hierarchy_merged=dict(reader='expand_labels_hierarchy: true', train='merge_multiple_label_boxes: true'),
    sequence_first=dict(record='sequence', reader='input_type: TF_SEQUENCE_EXAMPLE frame_index: 0'),
    sequence_last=dict(record='sequence', reader='input_type: TF_SEQUENCE_EXAMPLE frame_index: 2'),
    sequence_evaluated=dict(record='sequence', reader='input_type: TF_SEQUENCE_EXAMPLE', evaluate=True),
    sequence_weights=dict(record='sequence_weights', reader='input_type: TF_SEQUENCE_EXAMPLE frame_index: 1'),
    no_resize=dict(reader='', evaluate=True, eval='force_no_resize: true'),
)

def run(name, case, folder, out):
    reader = f"label_map_path: '{folder}/{'down' if case.get('map') else 'up'}.pbtxt' shuffle: false num_readers: 1 max_number_of_boxes: 20 {case['reader']} tf_record_input_reader {{ input_path: '{folder}/{case.get('record', 'plain')}.record' }}"
    r = text_format.Parse(reader + ' num_epochs: 1', input_reader_pb2.InputReader()); m = text_format.Parse(MODEL, model_pb2.DetectionModel())
    t = text_format.Parse('batch_size: 1 ' + case.get('train', ''), train_pb2.TrainConfig()); e = text_format.Parse('batch_size: 1 retain_original_images: false ' + case.get('eval', ''), eval_pb2.EvalConfig())
    data = inputs.eval_input(e, r, m) if case.get('evaluate') else inputs.train_input(t, r, m)
    out[f'{name}/reader'] = np.frombuffer(case['reader'].encode() or b' ', 'u1'); out[f'{name}/train'] = np.frombuffer(case.get('train', '').encode() or b' ', 'u1')
    count = 0
    for i, (features, labels) in enumerate(data.take(8)):
        n = int(labels['num_groundtruth_boxes'][0]); count = i + 1
        for key, field in (('boxes', 'groundtruth_boxes'), ('classes', 'groundtruth_classes'), ('weights', 'groundtruth_weights'), ('confidences', 'groundtruth_confidences')):
            if field in labels: out[f'{name}/{i}/{key}'] = np.asarray(labels[field][0][:n], 'f4')
        out[f'{name}/{i}/image'] = features['image'][0].numpy()
        if name == 'hierarchy_down' and 'groundtruth_image_classes' in labels: out[f'{name}/{i}/image_classes'] = labels['groundtruth_image_classes'][0].numpy().astype('f4')
        print(name, i, n, {k: v.shape for k, v in out.items() if k.startswith(f'{name}/{i}/')})
    out[f'{name}/count'] = np.array([count], 'i4')

if __name__ == '__main__':
    folder = sys.argv[1]; os.makedirs(folder, exist_ok=True)
    open(folder + '/up.pbtxt', 'w').write(MAP); open(folder + '/down.pbtxt', 'w').write(MAP_DOWN)
    write(folder + '/plain.record', [example(1), example(2, 2), example(3, 0)])
    write(folder + '/scores.record', [example(4, **{'image/object/class/multiclass_scores': SCORES}), example(5, 2, **{'image/object/class/multiclass_scores': SCORES[3:9]})])
    write(folder + '/lists.record', [example(6, 3, **{'image/class/label': [1, 3], 'image/class/confidence': [0., 1.], 'image/object/group_of': [1, 0, 1]})])
    write(folder + '/sequence.record', [sequence(10, [2, 0, 5]), sequence(20, [1, 3, 2])])
    write(folder + '/sequence_weights.record', [sequence(30, [1, 2], .25)])
    out = {}
    for name, case in CASES.items():
        try: run(name, case, folder, out)
        except Exception as e:
            text = f'{type(e).__name__}: ' + [line.strip() for line in str(e).split('\n') if line.strip() and 'File "' not in line][-1][:200]; print(name, 'REFUSED', text)
            out = {k: v for k, v in out.items() if not k.startswith(name + '/')}; out[name + '/error'] = np.frombuffer(text.encode(), 'u1')
    for k in [k for k in out if k.endswith('/image') and not k.startswith(('sequence', 'plain', 'no_resize'))]: del out[k]
    save(folder + '/input_options.safetensors', out)
