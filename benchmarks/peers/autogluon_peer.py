"""AutoGluon-Multimodal: `MultiModalPredictor.fit` with the preset medium_quality and a time limit.

https://auto.gluon.ai/stable/tutorials/multimodal/image_prediction/beginner_image_cls.html

Changed: `model.timm_image.checkpoint_name` is the backbone that all programs have, from a file. The
time limit leaves room for the prediction, of which a batch is timed before. Its segmentation needs
the weights of SAM from the hub, and it has no task whose answers are images, so it runs on classes
only.
"""

from __future__ import annotations

import json
import time
import warnings
from pathlib import Path

import pandas as pd
import timm
import torch
from autogluon.multimodal import MultiModalPredictor
from contract import SPARE, Job, read_job
from safetensors.torch import load_file

BATCH = 16
FIXED = 3.0
"""Seconds of a prediction besides the network: its start and the reading."""


def checkpoint(job: Job) -> str:
    """The backbone as AutoGluon reads it from a folder; its name if there are no weights."""
    if job.weights is None:
        return job.backbone
    folder = job.out.with_suffix("") / "checkpoint"
    folder.mkdir(parents=True)
    model = timm.create_model(job.backbone, num_classes=0)
    names = model.state_dict().keys()
    weights = {name: value for name, value in load_file(job.weights).items() if name in names}
    torch.save(weights, folder / "pytorch_model.bin")
    shown = {"architecture": job.backbone, "num_features": model.num_features}
    settings = {key: model.pretrained_cfg[key] for key in ("input_size", "mean", "std")}
    (folder / "config.json").write_text(json.dumps(shown | {"pretrained_cfg": settings}))
    return str(folder)


def prediction_seconds(job: Job, images: int) -> float:
    """About how long the prediction takes, at most half of the time."""
    model = timm.create_model(job.backbone).eval()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    batch = torch.zeros(BATCH, 3, job.size, job.size, device=device)
    model.to(device)
    with torch.no_grad():
        for _ in range(2):  # the first warms up
            began = time.perf_counter()
            model(batch).sum().item()
    seconds = (time.perf_counter() - began) / BATCH
    return min(job.seconds / 2, FIXED + 1.2 * seconds * images)


def table(job: Job, part: str) -> pd.DataFrame:
    """The rows of a part: image, and the label if it is known."""
    rows = [{"image": row["image"], "label": row["target"]} for row in job.rows(part)]
    frame = pd.DataFrame(rows)
    if part == "test":
        return frame[["image"]]
    return frame.assign(label=frame["label"].astype(float).astype(int))


def main() -> None:
    """Train, predict, write."""
    warnings.filterwarnings("ignore")
    job = read_job()
    path = Path(job.out.with_suffix("") / "model")
    settings: dict[str, object] = {"model.timm_image.checkpoint_name": checkpoint(job)}
    settings["model.timm_image.image_size"] = job.size
    if job.weights is None:
        settings["model.timm_image.pretrained"] = False
    predictor = MultiModalPredictor(
        label="label", problem_type="binary", presets="medium_quality", path=str(path)
    )
    train = table(job, "train")
    kept = prediction_seconds(job, len(job.rows("test")))
    limit = max(1.0, SPARE * job.left - kept)
    job.say(f"plan: {limit:.0f} s to train, {kept:.0f} s to predict")
    predictor.fit(train, time_limit=limit, hyperparameters=settings)
    found = predictor.predict_proba(table(job, "test"), as_pandas=False)
    job.write_values((row["id"] for row in job.rows("test")), found[:, 1])
    job.note()


if __name__ == "__main__":
    main()
