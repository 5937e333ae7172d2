# SPDX-License-Identifier: Apache-2.0
"""Writes tests/image/data: small self-made images in every format and the RGB that TensorFlow decodes from each.

Run in the oracle's environment (../shared/oracle/README.md): python tests/oracle/image_fixtures.py
NAME.rgb holds TensorFlow's pixels [height, width, 3]; for WebP and for palettes in bitmaps, which TensorFlow
doesn't read (the palette is ignored), Pillow's. The same files are the fuzzers' seeds.
"""
import io
import os
import shutil

import numpy as np
import tensorflow as tf
from PIL import Image

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
OUT = os.path.join(ROOT, 'tests', 'image', 'data')
WIDTH, HEIGHT = 19, 13


def encode(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def write(name, data, pixels=None):
    if pixels is None:
        pixels = tf.io.decode_image(data, channels=3, expand_animations=False).numpy()
    assert pixels.shape == (HEIGHT, WIDTH, 3), (name, pixels.shape)
    with open(os.path.join(OUT, name), 'wb') as f:
        f.write(data)
    with open(os.path.join(OUT, name.rsplit('.', 1)[0] + '.rgb'), 'wb') as f:
        f.write(pixels.tobytes())
    seeds = os.path.join(ROOT, 'fuzz', 'seeds', 'fuzz_' + {'jpg': 'jpeg'}.get(name[-3:], name.rsplit('.', 1)[1]))
    os.makedirs(seeds, exist_ok=True)
    shutil.copy(os.path.join(OUT, name), seeds)


def without_adobe(data):
    at = data.rfind(b'\xff\xee', 0, data.find(b'Adobe'))
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2:at + 4], 'big'):]


def as_ycck(data):
    data = bytearray(data)
    data[data.find(b'Adobe') + 11] = 2
    return bytes(data)


def with_exif_rotation(image):
    exif = Image.Exif()
    exif[0x0112] = 6
    return encode(image, 'JPEG', exif=exif)


def jpegs(image):
    write('rgb420.jpg', encode(image, 'JPEG', quality=85))
    write('rgb444.jpg', encode(image, 'JPEG', quality=85, subsampling=0))
    write('progressive.jpg', encode(image, 'JPEG', quality=60, progressive=True))
    write('grey.jpg', encode(image.convert('L'), 'JPEG'))
    write('exif.jpg', with_exif_rotation(image))
    cmyk = encode(image.convert('CMYK'), 'JPEG')
    write('cmyk_adobe.jpg', cmyk)
    write('cmyk_plain.jpg', without_adobe(cmyk))
    write('ycck.jpg', as_ycck(cmyk))


def pngs(image, wide):
    alpha = image.convert('RGBA')
    alpha.putalpha(100)
    palette = image.convert('P', palette=Image.ADAPTIVE, colors=16)
    write('rgb8.png', encode(image, 'PNG'))
    write('rgba8.png', encode(alpha, 'PNG'))
    write('grey8.png', encode(image.convert('L'), 'PNG'))
    write('grey1.png', encode(image.convert('1'), 'PNG'))
    write('palette4.png', encode(palette, 'PNG', bits=4))
    write('palette_trns.png', encode(palette, 'PNG', transparency=3))
    write('rgb16.png', tf.io.encode_png(wide).numpy())
    write('grey16.png', tf.io.encode_png(wide[:, :, :1]).numpy())
    write('rgba16.png', tf.io.encode_png(np.concatenate([wide, wide[:, :, :1]], 2)).numpy())


def bmps(image):
    rgb = np.array(image)
    plain = encode(image, 'BMP')
    write('rgb24.bmp', plain)
    rows = [plain[54 + i * 60:54 + (i + 1) * 60] for i in range(HEIGHT)]
    write('topdown.bmp', plain[:22] + (-HEIGHT).to_bytes(4, 'little', signed=True) + plain[26:54] + b''.join(rows[::-1]))
    write('rgba32.bmp', encode(image.convert('RGBA'), 'BMP'), rgb)
    for mode, name in (('P', 'palette8.bmp'), ('1', 'palette1.bmp'), ('L', 'grey8bit.bmp')):
        write(name, encode(image.convert(mode), 'BMP'), np.array(image.convert(mode).convert('RGB')))
    packed = (rgb[:, :, 0] // 8).astype('<u2') << 11 | (rgb[:, :, 1] // 4).astype('<u2') << 5 | rgb[:, :, 2] // 8
    body = b''.join(row.astype('<u2').tobytes() + b'\0\0' for row in packed[::-1])
    head = plain[:10] + (66).to_bytes(4, 'little') + plain[14:28] + b'\x10\0\3\0\0\0' + plain[34:54]
    masks = b''.join(m.to_bytes(4, 'little') for m in (0xf800, 0x7e0, 0x1f))
    stretched = np.stack([((packed >> s & m).astype(int) * 255 + m // 2) // m for s, m in ((11, 31), (5, 63), (0, 31))], 2)
    write('rgb565.bmp', head + masks + body, stretched.astype(np.uint8))


def webps(image):
    for name, options in (('lossless', dict(lossless=True)), ('lossy', dict(quality=80))):
        data = encode(image, 'WEBP', **options)
        write(name + '.webp', data, np.array(Image.open(io.BytesIO(data)).convert('RGB')))
    data = encode(image.convert('RGBA'), 'WEBP', lossless=True)
    write('alpha.webp', data, np.array(Image.open(io.BytesIO(data)).convert('RGB')))


def main():
    os.makedirs(OUT, exist_ok=True)
    random = np.random.RandomState(7)
    small = Image.fromarray((random.rand(5, 7, 3) * 255).astype('uint8'))
    image = small.resize((WIDTH, HEIGHT), Image.BICUBIC)
    wide = (random.rand(HEIGHT, WIDTH, 3) * 65535).astype('uint16')
    jpegs(image)
    pngs(image, wide)
    bmps(image)
    webps(image)


if __name__ == '__main__':
    main()
