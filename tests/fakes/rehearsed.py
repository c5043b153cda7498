"""A bundle whose program is a few lines, and the scene of its rehearsal: nothing is trained.

The program predicts the mean byte of a file, so that the tests need neither torch nor a network.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from comp.bundle.manifest import write_manifest
from comp.bundle.same import EXACT
from comp.bundle.scene import RehearsalSettings, Scene
from comp.contract.competition import Competition
from comp.data.images.decode import write_image
from comp.inference.predictions import save_predictions
from comp.pipeline.predict_files import SUBMISSION, TEST, write_submission
from comp.tasks.classification import image_classification
from comp.workspace import Workspace

COUNT = 6
TOY = image_classification(
    name="toy",
    title="Toy",
    kaggle="competitions/toy-slug",
    classes=("cat", "dog"),
    metric="log_loss",
    labels="train.csv",
    images="train",
    test_images="test",
    sample_submission="sample_submission.csv",
    submit="probability",
)

PROGRAM = """
import argparse, csv, sys
from pathlib import Path
import numpy as np

FAULT = ""

def value(path):
    data = path.read_bytes()
    return None if b"IEND" not in data else np.float32(np.frombuffer(data, np.uint8).mean() / 255)

parser = argparse.ArgumentParser()
for name in ("input", "output", "predictions", "device"):
    parser.add_argument("--" + name)
options = parser.parse_args()
samples = Path(options.input).rglob("sample_submission.csv")
found = [path for path in samples if (path.parent / "test").is_dir()]
if not found:
    if FAULT == "traceback":
        raise FileNotFoundError("sample_submission.csv")
    sys.exit(print(f"error: no data below {options.input}", file=sys.stderr) or 2)
root = found[0].parent
ids = [row[0] for row in list(csv.reader(found[0].open()))[1:]]
if FAULT == "folder":
    assert (Path(options.input) / "competitions" / "toy-slug").is_dir()
if FAULT == "listing":
    ids = sorted(p.stem for p in (root / "test").iterdir())
values = {i: value(root / "test" / f"{i}.png") for i in ids}
good = [v for v in values.values() if v is not None]
for i, v in values.items():
    if v is None:
        if FAULT != "silent":
            print(f"broken {i}: it gets the mean prediction")
        values[i] = np.float32(0) if FAULT == "zero" else np.mean(good)
if FAULT == "different":
    values[ids[2]] += np.float32(0.01)
if FAULT == "skip":
    ids = ids[:-1]
if FAULT == "nothing":
    sys.exit(0)
if FAULT == "hang":
    import time
    time.sleep(600)
np.savez(options.predictions, ids=np.array(ids), values=np.array([[values[i]] for i in ids]))
if FAULT == "threshold":
    values[ids[2]] += np.float32(2e-5)
with open(Path(options.output) / "submission.csv", "w") as stream:
    stream.write("id,label\\n" + "".join(f"{i},{values[i]:.7f}\\n" for i in ids))
"""


def toy_data(root: Path, names: list[str] | None = None) -> Path:
    """Images of noise, and a sample submission that is not sorted."""
    rng = np.random.default_rng(0)
    names = names or [str(7 * n % 11 + 1) for n in range(COUNT)]
    (root / "train").mkdir(parents=True)
    (root / "train.csv").write_text("id,label\n")
    for name in names:
        write_image(root / "test" / f"{name}.png", rng.integers(0, 255, (8, 8, 3), dtype=np.uint8))
    rows = "".join(f"{name},0.5\n" for name in names)
    (root / "sample_submission.csv").write_text("id,label\n" + rows)
    return root


def toy_bundle(folder: Path, fault: str = "") -> Path:
    """A bundle with the program and its manifest."""
    folder.mkdir(parents=True)
    (folder / "predict.py").write_text(PROGRAM.replace('FAULT = ""', f'FAULT = "{fault}"'))
    write_manifest(folder, "the-run")
    return folder


def toy_scene(folder: Path, fault: str = "", competition: Competition = TOY, **more: Any) -> Scene:
    """The scene of a rehearsal of a bundle with a fault; comp predicts the same without one."""
    bundle, root = toy_bundle(folder / "bundle", fault), toy_data(folder / "data")
    samples = competition.samples(root, "test")
    pairs = [
        (s, np.array([np.frombuffer(s.image_file.read_bytes(), np.uint8).mean() / 255], np.float32))
        for s in samples
    ]
    reference = folder / "reference"
    reference.mkdir()
    save_predictions(reference / TEST, pairs)
    write_submission(reference / SUBMISSION, competition, root, pairs, samples, None)
    scene = Scene(
        bundle=bundle,
        manifest={"id": "abc"},
        run_id="the-run",
        competition=competition,
        root=root,
        samples=samples,
        params=None,
        device="cpu",
        tolerance=EXACT,
        whole_test=False,
        reference=reference,
        settings=RehearsalSettings(limit_s=600),
        workspace=Workspace.at(folder),
    )
    return replace(scene, **more)
