"""A run on very many small images: seconds and memory until the first step, and of its end.

    python benchmarks/scale.py [--images 100000] [--layout table] [--json]

Draws images of 32 pixels with different bytes, of which a tenth is the test set, and a sample
submission. Then `comp run` trains two steps of one fold with a network of one layer: once while the
cache of images is empty, and once with it. The same runs on 300 images are the base: what remains
is the cost of the images. With `--pass` a third run makes one pass over the training images.
A million images need 5 GB in a temporary folder, and the cache 3.5 GB; both are deleted at the end.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from PIL import Image
from results import show

PLUGIN = '''
"""Generated images."""

import json
import os
import resource
import time

from comp.tasks.LAYOUT


def build(config):
    """A network of one layer, which says when it sees its first and its last batch."""
    from torch import nn

    class Tiny(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(3, OUTPUTS, 3, padding=1)

        def forward(self, images):
            mark("train" if self.training else "predict", len(images))
            maps = self.layer(images)
            return maps if OUTPUTS == 1 else maps.mean((2, 3))

    return Tiny()


MARKS = {}


def mark(name, images):
    """Keep the time and the peak memory of the first and the last batch."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    now = time.time(), peak, time.process_time()
    first = MARKS.setdefault(name, {"first": now, "images": 0})
    first.update(last=now, images=first["images"] + images)
    if first["first"] == now or now[0] - MARKS.get("", 0) > 0.2:
        MARKS[""] = now[0]
        write()


def write():
    with open(os.environ["SCALE_MARKS"], "w") as stream:
        json.dump(MARKS, stream)


import atexit  # noqa: E402

atexit.register(write)
'''
TABLE = """classification import image_classification

OUTPUTS = 4
COMPETITION = image_classification(
    name="scale", title="Scale", kaggle="competitions/scale", model=lambda config: build(config),
    classes=("a", "b", "c", "d"), GROUPS
)
"""
MASKS = """segmenter import segmenter

OUTPUTS = 1
COMPETITION = segmenter(
    name="scale", title="Scale", kaggle="competitions/scale", model=lambda config: build(config),
    images="train", masks="masks", test_images="test", table=None,
)
"""
KEYS = {
    "device": "cpu",
    "pretrained": "false",
    "image.size": "32",
    "predict.tta": "none",
    "loader.batch_size": "256",
    "loader.workers": "0",
}


def draw(root: Path, count: int, layout: str) -> None:
    """Draw `count` images, a table of labels, and a sample submission."""
    rng = np.random.default_rng(0)
    pictures = [_encoded(rng.integers(0, 255, (32, 32, 3), np.uint8), "JPEG") for _ in range(64)]
    mask = _encoded(np.pad(np.full((16, 16), 255, np.uint8), 8), "PNG")
    tests = count // 10
    for folder in ("train", "test", *(["masks"] if layout == "masks" else [])):
        (root / folder).mkdir(parents=True)
    for number in range(count):
        picture = pictures[number % len(pictures)]
        comment = b"\xff\xfe" + (10).to_bytes(2, "big") + number.to_bytes(8, "big")
        folder = "test" if number < tests else "train"
        with open(root / folder / f"{number:07}.jpg", "wb") as stream:  # noqa: PTH123
            stream.write(picture[:2] + comment + picture[2:])
        if layout == "masks" and folder == "train":
            with open(root / "masks" / f"{number:07}.png", "wb") as stream:  # noqa: PTH123
                stream.write(mask)
    header, row = ("id,label", "a") if layout != "masks" else ("id,rle_mask", "1 1")
    names = [f"{number:07}" for number in range(count)]
    lines = [f"{name},{row}\n" for name in names[:tests]]
    (root / "sample_submission.csv").write_text("".join([f"{header}\n", *lines]))
    lines = [f"{n},{'abcd'[i * 7 % 4]},p{i // 10}\n" for i, n in enumerate(names[tests:])]
    (root / "train.csv").write_text("".join(["id,label,patient_id\n", *lines]))


def _encoded(array: np.ndarray, name: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, name)
    return stream.getvalue()


def write_plugin(home: Path, layout: str) -> None:
    """Write the plugin of the generated data."""
    (home / "competitions").mkdir()
    groups = 'group_column="patient_id"' if layout == "groups" else ""
    text = MASKS if layout == "masks" else TABLE.replace("GROUPS", groups)
    path = home / "competitions" / "scale.py"
    path.write_text(PLUGIN.replace("LAYOUT", text.split("\n\n", 1)[0])
                    + "\n\n" + text.split("\n\n", 1)[1])  # fmt: skip


@contextmanager
def peak_memory(process: subprocess.Popen[bytes]) -> Iterator[list[float]]:
    """Keep the largest sum of the memory of a process and its children, in megabytes. The cache of
    images, which is mapped and which the system can drop, is not counted."""
    peak, done = [0.0], threading.Event()

    def watch() -> None:
        parent = psutil.Process(process.pid)
        while not done.wait(0.1):
            total = 0
            try:
                for each in [parent, *parent.children(recursive=True)]:
                    total += own_memory(each)
            except (psutil.Error, OSError):
                continue
            peak[0] = max(peak[0], total / 1e6)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def own_memory(process: psutil.Process) -> int:
    """The memory of a process in bytes; on Linux without files that it has mapped."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("RssAnon:"):
                return 1024 * int(line.split()[1])
    memory: int = process.memory_info().rss
    return memory


def train(home: Path, length: list[str]) -> dict[str, float]:
    """Start `comp run`; returns seconds and megabytes."""
    marks = home / "marks.json"
    marks.unlink(missing_ok=True)
    variables = {**os.environ, "SCALE_MARKS": str(marks), "PYTHONPATH": str(home), "NO_COLOR": "1"}
    keys = [word for key, value in KEYS.items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "comp", "run", "scale", "--fold", "0", *keys, *length]
    began = time.time()
    with (home / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, cwd=home, env=variables, stdout=log, stderr=log)
        with peak_memory(process) as peak:
            process.wait()
    ended = time.time()
    if process.returncode or not marks.exists():
        raise SystemExit((home / "log.txt").read_text()[-2000:])
    found = json.loads(marks.read_text())
    first, last = found["train"]["first"], found["train"]["last"]
    predicted = found["predict"]
    seen = predicted["last"][0] - predicted["first"][0]
    return {
        "s to step 1": first[0] - began,
        "CPU s to step 1": first[2],
        "MB at step 1": first[1] / 1e3,
        "peak MB": peak[0],
        "train images/s": found["train"]["images"] / max(1e-3, last[0] - first[0]),
        "predicting s": seen,
        "predict images/s": predicted["images"] / max(1e-3, seen),
        "s after the last prediction": ended - predicted["last"][0],
        "s in all": ended - began,
    }


def main() -> None:
    """Draw the images, run, and show seconds and memory above those of a small run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000, help="number of images")
    parser.add_argument("--layout", choices=("table", "groups", "masks"), default="table")
    parser.add_argument("--pass", action="store_true", dest="whole", help="a pass of training too")
    parser.add_argument("--folder", type=Path, help="draw the images here, and keep them")
    parser.add_argument("--json", action="store_true", help="print one line of JSON")
    options = parser.parse_args()
    runs: dict[str, dict[str, float]] = {}
    two_steps = ["--max-steps", "2"]
    with TemporaryDirectory(prefix="scale-") as scratch:
        for count in (300, options.images):
            home = (options.folder or Path(scratch)).absolute() / str(count)
            if not home.exists():
                home.mkdir(parents=True)
                draw(home / "data" / "scale", count, options.layout)
                write_plugin(home, options.layout)
            for name in ("empty cache", "with cache"):
                runs[f"{count:,} images, {name}"] = train(home, two_steps)
            if options.whole and count > 300:
                runs[f"{count:,} images, one pass"] = train(home, ["--set", "epochs=1"])
    small, large = list(runs.values())[1], list(runs.values())[3]
    above = {name: large[name] - small[name] for name in small}
    notes = [
        f"layout {options.layout}",
        f"to the first step with the cache, above 300 images: {above['s to step 1']:.1f} s, "
        f"{above['CPU s to step 1']:.1f} CPU s, {above['MB at step 1']:.0f} MB",
    ]
    rows = [{"": name, **{run: of[name] for run, of in runs.items()}} for name in small]
    show("Many small images", rows, notes, options.json)


if __name__ == "__main__":
    main()
