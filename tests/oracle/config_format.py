# SPDX-License-Identifier: Apache-2.0
"""Whether the OD API reads what `objdet config format` writes as the same message.

usage: VENV/bin/python tests/oracle/config_format.py OBJDET CONFIG...      (VENV: the OD API, see CONTRIBUTING)
"""
import subprocess, sys
from google.protobuf import text_format
from object_detection.protos import pipeline_pb2

def read(text):
    config = pipeline_pb2.TrainEvalPipelineConfig()
    text_format.Merge(text, config)
    return config

wrong = same = 0
for path in sys.argv[2:]:
    try:
        original = read(open(path, encoding='utf-8').read())
    except text_format.ParseError:
        continue
    written = read(subprocess.run([sys.argv[1], 'config', 'format', path], capture_output=True, check=True).stdout.decode())
    if written == original:
        same += 1
    else:
        wrong += 1
        print('differs:', path)
print(f'{same} configs come back equal')
sys.exit(wrong > 0 or not same)
