"""One round of ONNX Runtime and OpenVINO for compare_inference.sh: inference_peers.py MODEL.onnx THREADS.
A line a measurement: peer, batch size, median and minimum in milliseconds."""
import statistics, sys, time
import numpy as np, onnxruntime, openvino

path, threads = sys.argv[1], int(sys.argv[2])


def report(peer, batch, run):
    for _ in range(5): run()
    times = []
    for _ in range(60 if batch == 1 else 15):
        start = time.perf_counter()
        run()
        times.append(1e3 * (time.perf_counter() - start))
    print(peer, batch, statistics.median(times), min(times))


options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(path, options, providers=['CPUExecutionProvider'])
core = openvino.Core()
settings = {'PERFORMANCE_HINT': 'LATENCY', 'INFERENCE_NUM_THREADS': threads, 'INFERENCE_PRECISION_HINT': 'f32'}
for batch in (1, 8):
    x = np.random.default_rng(0).uniform(-1, 1, (batch, 3, 320, 320)).astype('f4')
    name = session.get_inputs()[0].name
    report('onnxruntime', batch, lambda: session.run(None, {name: x}))
    model = core.read_model(path)
    model.reshape({0: x.shape}) # a fixed shape is what a user who wants speed compiles
    request = core.compile_model(model, 'CPU', settings).create_infer_request()
    report('openvino', batch, lambda: request.infer({0: x}))
