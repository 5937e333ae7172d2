#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times of torchvision's Faster R-CNN ResNet50 FPN: a training step (batch ready) and the forward pass with post-processing.

usage: torchvision_faster_rcnn.py SIZE BATCH STEPS THREADS      prints `torchvision train BATCH SECONDS`, `torchvision forward BATCH SECONDS` (medians)
and `torchvision memory BATCH BYTES` (peak)

One class, one box an image, 300 proposals in inference, 64 sampled ones of the second stage in training: as the zoo's configs have it.
"""
import resource
import statistics
import sys
import time

import torch
import torchvision

size, batch, steps, threads = map(int, sys.argv[1:5])
torch.set_num_threads(threads)
torch.manual_seed(0)
model = torchvision.models.detection.fasterrcnn_resnet50_fpn(
    weights=None, weights_backbone=None, num_classes=2, trainable_backbone_layers=5, min_size=size, max_size=size, rpn_post_nms_top_n_train=300,
    rpn_post_nms_top_n_test=300, box_batch_size_per_image=64)
images = [torch.rand(3, size, size) for _ in range(batch)]
targets = [{'boxes': torch.tensor([[.2, .2, .6, .7]]) * size, 'labels': torch.tensor([1])} for _ in range(batch)]
optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=.9)


def median(f):
    times = []
    for i in range(2 + steps):
        start = time.time()
        f()
        if i >= 2:
            times.append(time.time() - start)
    return statistics.median(times)


def step():
    optimizer.zero_grad()
    sum(model(images, targets).values()).backward()
    optimizer.step()


model.train()
print('torchvision train %d %.6f' % (batch, median(step)), flush=True)
print('torchvision memory %d %d' % (batch, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024), flush=True)
model.eval()
with torch.no_grad():
    print('torchvision forward %d %.6f' % (batch, median(lambda: model(images))), flush=True)
