"""The description of an export, model.json: everything that a program needs to know of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from comp import __version__
from comp.config.image_size import height_and_width
from comp.config.model import ESTIMATORS
from comp.data.images.prepare import spec_of
from comp.data.images.prepared import PreparedImages
from comp.data.pipelines import pipeline_of
from comp.export.built import Built, File
from comp.export.check import Agreement
from comp.export.decisions import describe_decision
from comp.export.int8 import Int8
from comp.inference.tta import SYMMETRIES, resolve_tta
from comp.pipeline.run_oof import RunOof

FORMAT = 1
AVERAGE = (
    "the prediction is the sum, over the files, of share times what the file predicts; a share is "
    "the weight of the fold times that of the model in the blend of the fold"
)


def describe(run: RunOof, to: str, built: Built, int8: Int8 | None) -> dict[str, Any]:
    """The description, in values of JSON, without a path of this machine."""
    competition, task = run.competition, run.competition.task
    record = run.folder.record()
    packages = (record.get("environment") or {}).get("packages") or {}
    return {
        "format": FORMAT,
        "comp": __version__,
        "to": to,
        "run": {
            "id": run.run_id,
            "competition": competition.name,
            "title": competition.title,
            "kaggle": competition.kaggle,
            "synthetic": run.synthetic,
            "libraries": {name: packages.get(name) for name in ("torch", "timm")},
        },
        "files": [_file(file) for file in built.files],
        "inputs": {n: {"type": t, "shape": list(s)} for n, (t, s) in built.inputs.items()},
        "preprocessing": preprocessing(run),
        "inside": inside(run),
        "output": {
            "name": "prediction",
            "shape": list(built.output),
            "is": task.kind,
            "labels": list(task.labels),
        },
        "tta": tta(run),
        "tiles": tiles(run),
        "pool": competition.pool,
        "decision": describe_decision(run),
        "average": AVERAGE,
        "check": _check(built.agreement) | ({"blend": dict(built.blend)} if built.blend else {}),
        "int8": int8_record(int8),
        **built.how,
    }


def _file(file: File) -> dict[str, Any]:
    networks = [
        {"name": p.name, "seed": p.seed, "share": p.weight / file.weight} for p in file.parts
    ]
    columns: dict[str, Any] = {}
    if file.columns:
        inputs = {name: {"type": t, "shape": list(s)} for name, (t, s) in file.inputs.items()}
        model = {"model": file.parts[0].model, "columns": file.columns}
        columns = model | ({"inputs": inputs} if inputs else {})
    return {"file": file.path.name, "share": file.weight, "networks": networks, **columns}


def preprocessing(run: RunOof) -> dict[str, Any]:
    """What happens to a file before the graph gets it."""
    columns = {"columns": "the file of the columns beside each model says how"}
    if "image" not in run.competition.inputs:
        return columns
    return (columns if run.competition.columns else {}) | _image(run)


def _image(run: RunOof) -> dict[str, Any]:
    competition, config = run.competition, run.config
    known: dict[str, Any] = {
        "pixels": "(N, height, width, channels), the first row on top",
        "file": "turned upright by its EXIF orientation, and put on white where it is transparent",
    }
    value_range = PreparedImages.read_pointer(run.folder.reader_folder).value_range
    if value_range:
        known["range"] = value_range.record()
    if competition.image_spec and not competition.reader:
        spec = spec_of(competition.image_spec, config)
        height, width = height_and_width(spec.size)
        return known | {
            "resize": spec.policy,
            "height": height,
            "width": width,
            "channels": spec.channels,
            "interpolation": spec.interpolation,
            "crop_pct": spec.crop_pct,
            "equalize": spec.equalize,
            **({"stored": spec.stored} if spec.stored != "raw" else {}),
            "steps": _steps(run),
        }
    reader = "colour, at its own size, without resizing" if competition.reader is None else ""
    own = f"by the reader of the competition {competition.name}"
    return known | {"read": reader or own, "equalize": config.image.equalize, "steps": _steps(run)}


def _steps(run: RunOof) -> list[str]:
    """The names of the transforms of the plugin's pipeline that change images in prediction."""
    return [change.name for change in pipeline_of(run.competition, run.config, False).changes]


def inside(run: RunOof) -> list[str]:
    """What the file does itself, in order."""
    task = run.competition.task
    steps = []
    if "image" in run.competition.inputs:
        steps.append("pixels / 255")
        steps.append("normalisation, as the network was trained")
    if task.output == "image":
        steps.append("padding to the multiple that the network needs, cropped again at the end")
    trees = [str(name) for name in run.config.model if name in ESTIMATORS]
    if trees:
        steps.append("the trees with their link, in double, and the limits of the task")
    if len(trees) < len(run.config.model):
        steps.append("the networks")
    if task.activation and len(trees) < len(run.config.model):
        steps.append("the activation, such as a sigmoid")
    return [*steps, "the weighted mean of the models in the file"]


def tta(run: RunOof) -> dict[str, Any]:
    """The copies whose predictions the run averages; the file predicts the first one alone."""
    if "image" not in run.competition.inputs:
        return {"key": "none", "copies": []}
    key = resolve_tta(run.competition, run.config)
    copies = [
        {"transpose": symmetry.transposes, "flip": [axis - 1 for axis in symmetry.axes]}
        for symmetry in SYMMETRIES[key]
    ]
    return {"key": key, "copies": copies, "undo": run.competition.task.output == "image"}


def tiles(run: RunOof) -> dict[str, int] | None:
    """The size of the tiles in which the run predicts large images; None if it predicts numbers."""
    if run.competition.task.output != "image":
        return None
    return {"tile": run.config.predict.tile, "overlap": run.config.predict.overlap}


def _check(found: Agreement) -> dict[str, Any]:
    return {
        "samples": found.samples,
        "split": found.split,
        "batches": list(found.batches),
        "sizes": [list(size) for size in found.sizes],
        "largest_difference": found.largest,
        "limit": found.limit,
    }


def int8_record(int8: Int8 | None) -> dict[str, Any] | None:
    """What is known of the int8 files."""
    if int8 is None:
        return None
    loss = int8.loss
    measured: Mapping[str, Any] = {}
    if loss:
        measured = {
            "metric": loss.metric,
            "samples": loss.samples,
            "of": loss.of,
            "float_score": loss.float_score,
            "int8_score": loss.int8_score,
            "difference": asdict(loss.difference),
            "worse": loss.is_worse,
        }
    return {
        "files": [_file(file) for file in int8.files],
        "method": int8.method,
        "calibrated_on": int8.calibrated,
        "bytes": int8.bytes,
        "float_bytes": int8.float_bytes,
        "largest_difference": int8.agreement.largest,
        "out_of_fold": dict(measured) or None,
        "not_measured": int8.why_not,
        "notes": list(int8.notes),
    }


def left_out(run: RunOof) -> Sequence[str]:
    """What the run does with its predictions and the file does not, in sentences."""
    predict, found = run.config.predict, []
    key = tta(run)["key"]
    if key != "none":
        found.append(
            f"The run averages the predictions of mirrored or turned copies (predict.tta = {key}); "
            "the file predicts an image once."
        )
    if predict.adapt != "none":
        found.append(
            f"The run adapts its networks to the test images (predict.adapt = {predict.adapt}); "
            "the file has the networks as they were trained."
        )
    if predict.shares != "none":
        found.append(
            f"The run weighs its predictions by the class shares of the test (predict.shares = "
            f"{predict.shares}); the file does not."
        )
    if run.competition.pool:
        found.append(
            f"The run takes the {run.competition.pool} of the images of one unit; the file "
            "predicts each image."
        )
    size = tiles(run)
    if size:
        found.append(
            f"The run predicts images with a side above {size['tile']} pixels in tiles; the file "
            "predicts an image in one piece."
        )
    return found
