# SPDX-License-Identifier: Apache-2.0
"""usage: compare_safetensors.py A B    fails unless both files hold the same tensors, bit for bit."""
import json
import struct
import sys


def load(path):
    data = open(path, 'rb').read()
    start = 8 + struct.unpack('<Q', data[:8])[0]
    return {name: (e['dtype'], e['shape'], data[start + e['data_offsets'][0]:start + e['data_offsets'][1]])
            for name, e in json.loads(data[8:start]).items()}


a, b = load(sys.argv[1]), load(sys.argv[2])
for name in sorted(set(a) ^ set(b)):
    print(f'{name}: only in {sys.argv[1] if name in a else sys.argv[2]}')
different = [name for name in a if name in b and a[name] != b[name]]
for name in different:
    print(f'{name}: {a[name][:2]} and {b[name][:2]} differ')
print(f'{len(a)} tensors compared')
sys.exit(bool(different or set(a) ^ set(b) or not a))
