"""What a user would feed a detector with instead: images a second on one core (run it under taskset -c 0).

usage: input_peers.py opencv|tf PIPELINE_CONFIG [SECONDS]
opencv  decode, random flip and crop, bilinear resize and normalisation of the train record's images with OpenCV
tf      the TensorFlow Object Detection API's own training input (inputs.train_input) of that config
Needs opencv-python and numpy, or the Object Detection API with od_oracle on the path. bench/compare_input.sh runs both.
"""
import re, struct, sys, time

WORK, CONFIG, SECONDS = sys.argv[1], sys.argv[2], float(sys.argv[3]) if len(sys.argv) > 3 else 8


def records(path):
    data, at = open(path, 'rb').read(), 0
    while at < len(data):
        size = struct.unpack_from('<Q', data, at)[0]
        yield data[at + 12:at + 12 + size]
        at += 16 + size


def opencv():
    import cv2, numpy as np
    cv2.setNumThreads(1)
    rng = np.random.default_rng(1)
    text = open(CONFIG).read()
    height, width = map(int, re.search(r'height: (\d+) width: (\d+)', text).groups())
    path = re.search(r'train_input_reader.*?input_path: "(.*?)"', text, re.S).group(1)
    jpegs = [np.frombuffer(r[r.index(b'\xff\xd8\xff'):r.rindex(b'\xff\xd9') + 2], 'u1') for r in records(path)]

    def one(jpeg):
        x = cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        area, aspect = rng.uniform(.75, 1), rng.uniform(.75, 4 / 3)
        h, w = min(1, (area / aspect) ** .5), min(1, (area * aspect) ** .5)
        h, w = int(x.shape[0] * h), int(x.shape[1] * w)
        top, left = rng.integers(0, x.shape[0] - h + 1), rng.integers(0, x.shape[1] - w + 1)
        x = x[top:top + h, left:left + w]
        if rng.random() < .5: x = cv2.flip(x, 1)
        return cv2.resize(x, (width, height), interpolation=cv2.INTER_LINEAR).astype('f4') * np.float32(2 / 255) - np.float32(1)

    for j in jpegs: one(j)
    n, start = 0, time.time()
    while time.time() - start < SECONDS: one(jpegs[n % len(jpegs)]); n += 1
    return n / (time.time() - start)


def tf():
    import od_oracle
    import tensorflow as tf
    from object_detection import inputs
    from object_detection.utils import config_util
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    c = config_util.get_configs_from_pipeline_file(CONFIG)
    data = inputs.train_input(c['train_config'], c['train_input_config'], c['model'], params={'batch_size': c['train_config'].batch_size})
    batches, size = iter(data), c['train_config'].batch_size
    for _ in range(3): next(batches)
    n, start = 0, time.time()
    while time.time() - start < SECONDS: next(batches); n += size
    return n / (time.time() - start)


print('%s: %.0f images/s' % (WORK, {'opencv': opencv, 'tf': tf}[WORK]()))
