# SPDX-License-Identifier: Apache-2.0
"""Small data sets with known traps, made from nothing: pictures of blobs, their COCO files, detections, event files."""
import json, math, pathlib, random, struct, zlib

CLASSES = ("disc", "bar")


def png(path, rows):
    """Grey rows as a PNG."""
    height, width = len(rows), len(rows[0])
    chunk = lambda kind, data: struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    raw = b"".join(b"\0" + bytes(r) for r in rows)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b""))


def picture(rng, boxes, size=96):
    """A ground of soft random waves, and an object in each box."""
    waves = [(rng.uniform(-.25, .25), rng.uniform(-.25, .25), rng.uniform(0, 7), rng.uniform(10, 30)) for _ in range(9)]
    rows = [[sum(a * math.sin(x * u + y * v + p) for u, v, p, a in waves) + 110 for x in range(size)] for y in range(size)]
    for kind, (x, y, w, h) in boxes:
        for j in range(int(y), min(size, int(y + h))):
            for i in range(int(x), min(size, int(x + w))):
                inside = kind == 2 or ((i - x) / w - .5) ** 2 + ((j - y) / h - .5) ** 2 < .25
                if inside:
                    rows[j][i] = 240 if kind == 1 else 20
    return [[max(0, min(255, round(v + rng.gauss(0, 2)))) for v in r] for r in rows]


class Set:
    """Images with boxes, as COCO; pictures are written beside."""

    def __init__(self, folder, name, seed, counts=(1, 1), images=24, nulls=8, classes=CLASSES):
        self.folder, self.name, self.rng = pathlib.Path(folder), name, random.Random(seed)
        (self.folder / "images").mkdir(parents=True, exist_ok=True)
        self.coco = {"images": [], "annotations": [], "categories": [{"id": i + 1, "name": c} for i, c in enumerate(classes)]}
        kinds = [1] * counts[0] + [2] * counts[1]
        for i in range(images):
            boxes = []
            if i >= nulls:
                w, h = self.rng.uniform(18, 40), self.rng.uniform(18, 40)
                boxes = [(kinds[i % len(kinds)], (self.rng.uniform(0, 95 - w), self.rng.uniform(0, 95 - h), w, h))]
            self.add(boxes, f"{name}_{i:03d}.png", f"{name}-patient-{i // 2}", picture(self.rng, boxes))

    def add(self, boxes, file_name, patient, rows):
        png(self.folder / "images" / file_name, rows)
        image = {"id": len(self.coco["images"]) + 1, "file_name": file_name, "width": 96, "height": 96, "patient": patient}
        self.coco["images"].append(image)
        for kind, box in boxes:
            self.coco["annotations"].append({"id": len(self.coco["annotations"]) + 1, "image_id": image["id"], "category_id": kind, "bbox": list(box), "area": box[2] * box[3], "iscrowd": 0})
        return image

    def detections(self, invented_on_null=.0):
        """Good ones: nearly all objects, close boxes, high scores, little noise below."""
        out = []
        taken = {a["image_id"] for a in self.coco["annotations"]}
        for a in self.coco["annotations"]:
            x, y, w, h = a["bbox"]
            shift = lambda s: self.rng.gauss(0, .03) * s
            if self.rng.random() < .95:
                out.append({"image_id": a["image_id"], "category_id": a["category_id"], "bbox": [x + shift(w), y + shift(h), w * (1 + self.rng.gauss(0, .03)), h * (1 + self.rng.gauss(0, .03))],
                            "score": round(self.rng.uniform(.7, .99), 4)})
        for i in self.coco["images"]:
            out.append({"image_id": i["id"], "category_id": self.rng.choice((1, 2)), "bbox": [self.rng.uniform(0, 50), self.rng.uniform(0, 50), 20, 20], "score": round(self.rng.uniform(.01, .2), 4)})
            if i["id"] not in taken and self.rng.random() < invented_on_null:
                out.append({"image_id": i["id"], "category_id": 1, "bbox": [30, 30, 30, 30], "score": round(self.rng.uniform(.75, .98), 4)})
        return out

    def write(self, **how):
        (self.folder / f"{self.name}.json").write_text(json.dumps(self.coco))
        (self.folder / f"{self.name}_dt.json").write_text(json.dumps(self.detections(**how)))


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    crc ^= 0xffffffff
    return ((crc >> 15 | crc << 17) + 0xa282ead8) & 0xffffffff


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def write_events(folder, curves):
    """{tag: [(step, value)]} as a TensorBoard file with TF1's simple values."""
    folder.mkdir(parents=True, exist_ok=True)
    field = lambda number, data: varint(number << 3 | 2) + varint(len(data)) + data
    with open(folder / "events.out.tfevents.1700000000.host.1.0", "wb") as f:
        for tag, points in curves.items():
            for step, value in points:
                summary = field(1, field(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
                event = b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + varint(step) + field(5, summary)
                head = struct.pack("<Q", len(event))
                f.write(head + struct.pack("<I", crc32c(head)) + event + struct.pack("<I", crc32c(event)))


MAP = "DetectionBoxes_Precision/mAP"


def write_training(folder, train, evaluation, maps):
    """An OD API model_dir with nothing but event files."""
    write_events(folder / "train", {"Loss/total_loss": train, "Loss/classification_loss": [(s, v * .6) for s, v in train], "learning_rate": [(s, .01) for s, _ in train]})
    write_events(folder / "eval", {"Loss/total_loss": evaluation, "Loss/classification_loss": [(s, v * .6) for s, v in evaluation], MAP: maps})
