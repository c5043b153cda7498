"""comp: `comp run NAME --fold 0 --budget SECONDS`, with the defaults of the competition.

One of five folds is trained, like the other programs, which hold out a fifth for validation.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from contract import Job, read_job
from PIL import Image

FOLDS = 5
OWN_NETWORKS = ("denoising",)
"""Competitions whose network has no pretrained weights."""


def command(job: Job, out: Path) -> list[str]:
    """The command of the run."""
    words = [sys.executable, "-m", "comp", "run", job.competition, "--fold", "0"]
    words += ["--budget", f"{round(job.left)}s", "--data", str(job.data), "--out", str(out)]
    groups = {row["group"] or row["id"] for row in job.rows("train")}
    if len(groups) < FOLDS:  # drawn data
        words += ["--folds", str(len(groups))]
    if job.competition not in OWN_NETWORKS:
        words += ["--set", f"backbone={job.backbone}"]
        words += ["--weights", str(job.weights)] if job.weights else ["--no-pretrained"]
    return words


def masks(job: Job, submission: Path) -> Iterator[np.ndarray]:
    """The masks of the submission."""
    from comp.submission.rle import RleFormat, decode

    with submission.open(newline="", encoding="utf-8") as stream:
        cells = dict(list(csv.reader(stream))[1:])
    for row in job.rows("test"):
        with Image.open(row["image"]) as image:
            size = image.height, image.width
        yield decode(cells[row["id"]], size, RleFormat())


def write(job: Job, folder: Path, submission: Path) -> None:
    """Write the predictions of a run."""
    from comp.inference.predictions import Predictions

    ids = [row["id"] for row in job.rows("test")]
    if job.competition == "salt":
        return job.write_arrays(ids, masks(job, submission))
    predictions = Predictions(folder / "test.safetensors")
    if job.competition == "denoising":
        return job.write_arrays(ids, (predictions[i][..., 0].clip(0, 1) for i in ids))
    return job.write_values(ids, (predictions[i].item() for i in ids))


def main() -> None:
    """Run comp, and write what it predicted."""
    job = read_job()
    out = job.out.with_suffix("") / "comp"
    out.mkdir(parents=True)
    # in a folder of its own, whose cache of images is empty
    code = subprocess.run(command(job, out), check=False, cwd=out).returncode
    seconds = time.time() - job.started
    shutil.rmtree(out / "data", ignore_errors=True)
    if code:
        sys.exit(code)  # comp has said why
    (record,) = (out / "runs" / job.competition).glob("*/run.json")
    submission = out / "submissions" / job.competition / f"{record.parent.name}.csv"
    write(job, record.parent, submission)
    meta = json.loads((record.parent / "fold-0" / "meta.json").read_text())
    size = json.loads(record.read_text())["config"]["loader"]["batch_size"]
    shown = ("steps", "setup_s", "fit_s", "predict_s", "validate_s")
    facts = {name: meta[name] for name in shown if name in meta}
    job.note(images=meta["step"] * size, seconds=seconds, **facts)


if __name__ == "__main__":
    main()
