#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small pipeline.config of one family of detectors, made from a config of the model zoo.

usage: family_config.py ZOO_DIR FAMILY SIZE NUM_CLASSES [KEY=VALUE...]      without arguments: lists the families

Keys (defaults): batch (8), steps (100), rate (the family's), record and eval_record and label_map (without them no readers are written),
checkpoint (none: from scratch; a classification checkpoint, V2),
flip (any value: random_horizontal_flip).
"""
import re
import sys

V2, FPNLITE, V1_FPN = 'ssd_mobilenet_v2_320x320_coco17_tpu-8', 'ssd_mobilenet_v2_fpnlite_320x320_coco17_tpu-8', 'ssd_mobilenet_v1_fpn_640x640_coco17_tpu-8'
RETINA, DET = 'ssd_resnet50_v1_fpn_640x640_coco17_tpu-8', 'ssd_efficientdet_d0_512x512_coco17_tpu-8'
CENTER, CENTER_FPN, HOURGLASS = ('centernet_resnet50_v2_512x512_coco17_tpu-8', 'centernet_resnet101_v1_fpn_512x512_coco17_tpu-8',
                                 'centernet_hourglass104_512x512_coco17_tpu-8')

FASTER, FASTER_FPN = 'faster_rcnn_resnet50_v1_640x640_coco17_tpu-8', 'faster_rcnn_resnet50_v1_fpn_640x640_coco17_tpu-8'


def typed(old, new):
    return [(r'type: *["\']%s["\']' % old, 'type: "%s"' % new)]


def center_mobile(new):
    return [(r'type: *"resnet_v2_50"', 'type: "%s" depth_multiplier: 1.0' % new)]


# family: (zoo config, changes of its text, learning rate)
FAMILIES = {
    'ssd_mobilenet_v1': (V2, typed('ssd_mobilenet_v2_keras', 'ssd_mobilenet_v1_keras'), .02),
    'ssd_mobilenet_v2': (V2, [], .02),
    'ssd_mobilenet_v1_fpn': (V1_FPN, [], .02),
    'ssd_mobilenet_v2_fpnlite': (FPNLITE, [], .02),
    'retinanet50': (RETINA, [], .04),
    'retinanet101': (RETINA, typed('ssd_resnet50_v1_fpn_keras', 'ssd_resnet101_v1_fpn_keras'), .04),
    'retinanet152': (RETINA, typed('ssd_resnet50_v1_fpn_keras', 'ssd_resnet152_v1_fpn_keras'), .04),
    'efficientdet_d0': (DET, [], .08),
    'efficientdet_d2': (DET, typed('ssd_efficientnet-b0_bifpn_keras', 'ssd_efficientnet-b2_bifpn_keras') + [(r'num_filters: 64', 'num_filters: 112'), (r'depth: 64', 'depth: 112'),
                                                                                                         (r'num_iterations: 3', 'num_iterations: 5')], .08),
    'center_resnet50_v2': (CENTER, [], 1e-3),
    'center_resnet50_v1_fpn': (CENTER_FPN, typed('resnet_v1_101_fpn', 'resnet_v1_50_fpn'), 1e-3),
    'center_resnet101_v1_fpn': (CENTER_FPN, [], 1e-3),
    'center_resnet18_v1_fpn': (CENTER_FPN, typed('resnet_v1_101_fpn', 'resnet_v1_18_fpn'), 1e-3),
    'center_mobilenet_v2': (CENTER, center_mobile('mobilenet_v2'), 1e-3),
    'center_mobilenet_v2_fpn': (CENTER, center_mobile('mobilenet_v2_fpn'), 1e-3),
    'center_hourglass10': (HOURGLASS, typed('hourglass_104', 'hourglass_10'), 1e-3),
    'center_hourglass104': (HOURGLASS, [], 3e-4),
    'faster_rcnn_resnet50': (FASTER, [], .005),
    'faster_rcnn_resnet50_fpn': (FASTER_FPN, [], .005),
}


def block(text, start):
    """End of the { } block that opens at or after start."""
    at, depth = text.index('{', start), 0
    for i in range(at, len(text)):
        depth += (text[i] == '{') - (text[i] == '}')
        if not depth:
            return i + 1
    raise ValueError('no end of the block')


def model(text, size, classes, changes):
    text = re.sub(r'#.*', '', text)
    start = re.search(r'\bmodel *:? *{', text).start()
    text = text[start:block(text, start)]
    resizer = re.search(r'image_resizer *{', text).start()
    text = text[:resizer] + 'image_resizer { fixed_shape_resizer { height: %d width: %d } }' % (size, size) + text[block(text, resizer):]
    for old, new in changes + [(r'num_classes: *\d+', 'num_classes: %d' % classes)]:
        text, count = re.subn(old, new, text)
        assert count, old
    return text


def optimizer(center, rate, steps):
    schedule = 'learning_rate { cosine_decay_learning_rate { learning_rate_base: %g total_steps: %d warmup_learning_rate: %g warmup_steps: %d } }' % (rate, steps, rate / 10, steps // 5)
    kind = 'adam_optimizer { epsilon: 1e-7 %s }' if center else 'momentum_optimizer { %s momentum_optimizer_value: 0.9 }'
    return 'optimizer { %s use_moving_average: false } gradient_clipping_by_norm: 10' % (kind % schedule)


def reader(kind, options, key):
    return '%s { label_map_path: "%s" tf_record_input_reader { input_path: "%s" } }\n' % (kind, options['label_map'], options[key]) if key in options else ''


def main():
    if len(sys.argv) < 5:
        sys.exit(__doc__ + '\nfamilies: ' + ' '.join(FAMILIES))
    zoo, family, size, classes = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    options = dict(a.split('=', 1) for a in sys.argv[5:])
    if family not in FAMILIES:
        sys.exit('family_config: no family %s; there are: %s' % (family, ' '.join(FAMILIES)))
    source, changes, rate = FAMILIES[family]
    with open('%s/%s.config' % (zoo, source)) as f:
        print(model(f.read(), size, classes, changes))
    steps = int(options.get('steps', 100))
    print('train_config { batch_size: %s num_steps: %d %s' % (options.get('batch', 8), steps, optimizer(family.startswith('center'), float(options.get('rate', rate)), steps)))
    if 'flip' in options:
        print('data_augmentation_options { random_horizontal_flip {} }')
    if 'checkpoint' in options:
        print('fine_tune_checkpoint: "%s" fine_tune_checkpoint_type: "classification" fine_tune_checkpoint_version: V2' % options['checkpoint'])
    print('}')
    print(reader('train_input_reader', options, 'record') + 'eval_config { metrics_set: "coco_detection_metrics" }\n' + reader('eval_input_reader', options, 'eval_record'))


if __name__ == '__main__':
    main()
