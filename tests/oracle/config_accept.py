# SPDX-License-Identifier: Apache-2.0
"""Which pipeline.config texts the OD API accepts, and what they mean to it: writes tests/data/config_accept.txt.

usage: VENV/bin/python tests/oracle/config_accept.py [--check]      (VENV: the OD API, see CONTRIBUTING)

Each snippet is read as utils/config_util.py reads a pipeline.config (text_format.Merge). The table holds, for each,
'=== accept' and the text, then '=== means' and protobuf's own canonical text; or '=== reject' and the text. With --check
nothing is written and a difference from the stored table is an error.
"""
import os, sys
from google.protobuf import text_format
from object_detection.protos import pipeline_pb2

T = 'train_config { %s }'
S = 'model { ssd { %s } }'
SNIPPETS = [
    '', ' \n\t ', '# only a comment', 'model { }', 'model: { }', 'model < >', 'model: < >', 'model { } model { }', 'model {}train_config{}',
    'model { ssd { } } # tail', 'model { # a { b\n ssd { } }', 'model { ssd { };, }', 'model { ssd { }; }', 'model { ssd { }, } , train_config { };',
    ',model { }', 'model { } }', 'model { >', 'model { ssd { }', 'model [ ]', 'model: [ ]', 'model = { }', 'Model { }', 'model { SSD { } }', 'model',
    'model:', 'model { ssd }', 'model: 3', 'model: "x"', '3 { }', '1: { }', '[a.b] { }', '[a.b]: 1', 'graph_rewriter { [a.b] { } }', '"model" { }',
    'mod\\el { }', 'model\u00a0{ }', '\u3000model\u2003{ }', '\ufeffmodel { }', 'model { } \x00', 'model\r\n{\r\n}\r\n', 'model { } # \u4f60\u597d', 'mod\u00e9l { }',
    S % 'num_classes: 3', S % 'num_classes:3', S % 'num_classes 3', S % 'num_classes: 0x1F', S % 'num_classes: 017', S % 'num_classes: 08', S % 'num_classes: 0o17',
    S % 'num_classes: 0b101', S % 'num_classes: 1_000', S % 'num_classes: 1__0', S % 'num_classes: _1', S % 'num_classes: 1_', S % 'num_classes: +3', S % 'num_classes: -3', S % 'num_classes: - 3',
    S % 'num_classes: -0x10', S % 'num_classes: 3.0', S % 'num_classes: 1e2', S % 'num_classes: 3f', S % 'num_classes: "3"', S % 'num_classes: 2147483647', S % 'num_classes: 2147483648',
    S % 'num_classes: -2147483648', S % 'num_classes: -2147483649', S % 'num_classes: 99999999999999999999', S % 'num_classes: 00', S % 'num_classes: true', S % 'num_classes: [3]',
    S % 'num_classes: 3 num_classes: 4', S % 'num_classes: 3, num_classes: 4;', S % 'num_classes: 3,, num_classes: 4', S % 'num_classes: { }', S % 'num_clases: 3', S % 'num-classes: 3', S % 'num_classes:',
    T % 'batch_size: 4294967295', T % 'batch_size: 4294967296', T % 'batch_size: -1', T % 'batch_size: -0',
    T % 'gradient_clipping_by_norm: 1', T % 'gradient_clipping_by_norm: 1.', T % 'gradient_clipping_by_norm: .5', T % 'gradient_clipping_by_norm: -.5', T % 'gradient_clipping_by_norm: 1.5f', T % 'gradient_clipping_by_norm: 1e-3',
    T % 'gradient_clipping_by_norm: 1e', T % 'gradient_clipping_by_norm: 1E+4f', T % 'gradient_clipping_by_norm: inf', T % 'gradient_clipping_by_norm: -inf', T % 'gradient_clipping_by_norm: infinity', T % 'gradient_clipping_by_norm: -Infinity',
    T % 'gradient_clipping_by_norm: 1e40', T % 'gradient_clipping_by_norm: 1e-60', T % 'gradient_clipping_by_norm: 0x10', T % 'gradient_clipping_by_norm: 010', T % 'gradient_clipping_by_norm: 1_0.5', T % 'gradient_clipping_by_norm: .',
    T % 'gradient_clipping_by_norm: 1.2.3', T % 'gradient_clipping_by_norm: 1,5', T % 'gradient_clipping_by_norm: abc', T % 'gradient_clipping_by_norm: "1"', T % 'gradient_clipping_by_norm: 0.1', T % 'gradient_clipping_by_norm: 16777217',
    T % 'sync_replicas: true', T % 'sync_replicas: True', T % 'sync_replicas: t', T % 'sync_replicas: 1', T % 'sync_replicas: TRUE', T % 'sync_replicas: yes', T % 'sync_replicas: 2', T % 'sync_replicas: false', T % 'sync_replicas: f', T % 'sync_replicas: 0',
    T % 'sync_replicas: "true"', T % 'sync_replicas: 01',
    T % 'fine_tune_checkpoint_version: V2', T % 'fine_tune_checkpoint_version: 2', T % 'fine_tune_checkpoint_version: 0x2', T % 'fine_tune_checkpoint_version: 3', T % 'fine_tune_checkpoint_version: v2', T % 'fine_tune_checkpoint_version: "V2"', T % 'fine_tune_checkpoint_version: -1',
    T % 'fine_tune_checkpoint: ""', T % "fine_tune_checkpoint: 'a\"b'", T % 'fine_tune_checkpoint: "a" \'b\'', T % 'fine_tune_checkpoint: "a"\n  # between\n "b"', T % 'fine_tune_checkpoint: "a', T % 'fine_tune_checkpoint: "a\nb"',
    T % 'fine_tune_checkpoint: "a\\"', T % 'fine_tune_checkpoint: "\\n\\t\\\\\\"\\\'\\101\\x41\\x4\\a\\b\\f\\v\\r"', T % 'fine_tune_checkpoint: "C:\\data\\model"', T % 'fine_tune_checkpoint: "C:\\train\\new"', T % 'fine_tune_checkpoint: "C:\\xyz"',
    T % 'fine_tune_checkpoint: "C:\\Users"', T % 'fine_tune_checkpoint: "\\u12"', T % 'fine_tune_checkpoint: "\u00e9\u4f60"', T % 'fine_tune_checkpoint: "\\303\\251"', T % 'fine_tune_checkpoint: "\\351"', T % 'fine_tune_checkpoint: PATH_TO_BE_CONFIGURED',
    T % 'fine_tune_checkpoint: "a", fine_tune_checkpoint: "b"', T % 'fine_tune_checkpoint "a"', T % 'fine_tune_checkpoint: /a/b', T % 'fine_tune_checkpoint: ["a"]', T % 'fine_tune_checkpoint: "a\tb"', T % 'fine_tune_checkpoint: "\\u0041"',
    T % 'freeze_variables: "a" freeze_variables: "b"', T % 'freeze_variables: ["a", "b"]', T % 'freeze_variables: ["a" "b"]', T % 'freeze_variables: ["a", ]', T % 'freeze_variables: []', T % 'freeze_variables: ["a"; "b"]', T % 'freeze_variables ["a"]', T % 'freeze_variables: ["a"',
    T % 'data_augmentation_options: [{ random_horizontal_flip { } }, < random_vertical_flip { } >]', T % 'data_augmentation_options [{ }]', T % 'data_augmentation_options { random_horizontal_flip }', T % 'data_augmentation_options { random_horizontal_flip { } random_vertical_flip { } }',
    T % 'data_augmentation_options { random_horizontal_flips { } }', T % 'optimizer { use_moving_average: false } optimizer { moving_average_decay: .5 }',
    T % 'optimizer { momentum_optimizer { learning_rate { } } adam_optimizer { } }', T % 'optimizer { momentum_optimizer { momentum_optimizer_value: .1 } momentum_optimizer { } }', T % 'optimizer { momentum_optimizer: { learning_rate: { constant_learning_rate { learning_rate: .1 } } } }',
    'eval_input_reader { } eval_input_reader { name: "b" }', 'eval_input_reader: [{ name: "a" }, { name: "b" }]', 'eval_config { super_categories { key: "a" value: "b" } super_categories { key: "a" value: "c" } }',
    'model { ssd { num_classes: 1 } faster_rcnn { num_classes: 2 } }', 'model { ssd { image_resizer { fixed_shape_resizer { height: 1 } identity_resizer { } } } }',
    'model { ssd { box_predictor { weight_shared_convolutional_box_predictor { conv_hyperparams { initializer { keras_initializer_by_name: "a" } batch_norm { } } } } } }',
    'model { center_net { object_detection_task { } keypoint_estimation_task { keypoint_label_to_std { key: "nose" value: 0.026 } } } }',
    'train_input_reader { tf_record_input_reader { input_path: ["a", "b"] } }', 'train_input_reader { external_input_reader { [x.y] { a: 1 } } }',
    'model { ssd { feature_extractor { type: "a" type: "b" reserved6: 1 } } }', 'train_config { } train_config: { batch_size: 3 } eval_config < batch_size: 2 >',
]

def read(text):
    config = pipeline_pb2.TrainEvalPipelineConfig()
    try:
        text_format.Merge(text, config)
    except text_format.ParseError:
        return None
    return text_format.MessageToString(config, as_utf8=True)

def main():
    out = '# Written by tests/oracle/config_accept.py.\n'
    for text in SNIPPETS:
        canonical = read(text)
        out += ('=== reject\n' if canonical is None else '=== accept\n') + text + '\n'
        if canonical is not None: out += '=== means\n' + canonical
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'data', 'config_accept.txt')
    if '--check' in sys.argv:
        same = open(path, newline='', encoding='utf-8').read() == out
        print('config_accept.txt agrees with the OD API' if same else 'config_accept.txt differs from what the OD API does now')
        sys.exit(0 if same else 1)
    with open(path, 'w', newline='', encoding='utf-8') as f: f.write(out)
    print(len(SNIPPETS), 'snippets')

main()
