"""The program of a bundle: predicts the test of a competition and writes submission.csv."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from comp.bundle.parts.blended import Blended
from comp.bundle.parts.decide import decide
from comp.bundle.parts.dense import DenseRows, ImageFile, dense_parts
from comp.bundle.parts.dense_rows import Places, pixels_by_image
from comp.bundle.parts.devices import choose_devices
from comp.bundle.parts.images import Image, Log
from comp.bundle.parts.libraries import check_backbones, check_libraries
from comp.bundle.parts.locate import find_data, header_of_sample
from comp.bundle.parts.predictions import Predicted
from comp.bundle.parts.rows import make_rows
from comp.bundle.parts.samples import list_images, row_ids
from comp.bundle.parts.write import write_submission
from comp.errors import CompError, DataError

SUBMISSION = "submission.csv"


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict, and return the exit code: 0, or 2 after one line that says what is wrong."""
    options = parse(arguments)
    try:
        predict(options, log)
    except CompError as error:
        log(f"error: {error}", sys.stderr)
        return error.exit_code
    return 0


def log(line: str, stream: Any = None) -> None:
    """Print one line at once, so that it is there if the process is stopped."""
    print(line, file=stream or sys.stdout, flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description="Predict the test images, and write rows for them")
    add = parser.add_argument
    add("--input", type=Path, default=Path("/kaggle/input"), help="the data is somewhere below it")
    add("--output", type=Path, default=Path("/kaggle/working"), help="folder of submission.csv")
    add("--bundle", type=Path, default=Path(__file__).parent, help="folder of bundle.json")
    add("--predictions", type=Path, help="also write the raw predictions to this .npz file")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--batch-size", type=_positive, help="images of a batch; default: as in the run")
    add("--workers", type=_positive, help="threads that read images; default: one for each core")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def predict(options: argparse.Namespace, log: Log) -> Path:
    """Find the data, predict its images, and write the submission; returns its path.

    Raises:
        CompError: the bundle, the data or the libraries are not as they must be.
    """
    bundle = read_bundle(options.bundle)
    run = bundle["run"]
    log(f"bundle of run {run['id']}, {bundle['competition']['title']}")
    check_libraries(bundle["libraries"], log)
    check_backbones(bundle["networks"], bundle["libraries"].get("timm"))
    root = find_data(options.input, bundle["data"])
    images = list_images(root, bundle["data"], log)
    log(f"found the data in {root}, {len(images):,} images of the test")
    devices = choose_devices(options.device, log, bundle["predict"]["precision"])
    predictor = Blended(
        bundle,
        options.bundle,
        devices,
        log,
        workers=options.workers,
        batch_size=options.batch_size,
    )
    log(f"reading images with {predictor.workers} threads")
    predicted = predictor(images, root)
    path = options.output / SUBMISSION
    if bundle["predict"]["output"] == "image":
        with ImageFile(options.predictions) as arrays:
            dense = DenseRows(bundle, _places(bundle, root), arrays)
            parts = dense_parts(images, predicted, predictor.broken, dense.rows, dense.size)
            return _write(path, bundle, root, parts, log)
    values = numbers_of(images, predicted, predictor.broken)
    if options.predictions:
        save_predictions(options.predictions, images, values)
    parts = _rows(zip(images, values, strict=True), bundle, root)
    return _write(path, bundle, root, parts, log)


def read_bundle(folder: Path) -> dict[str, Any]:
    """What bundle.json says.

    Raises:
        DataError: it is missing or damaged, or of a later version of comp.
    """
    path = folder / "bundle.json"
    try:
        bundle = dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"cannot read {path} ({error}): copy the bundle again") from None
    if bundle.get("format") != 1:
        raise DataError(f"{path} has the format {bundle.get('format')}, expected 1")
    return bundle


def numbers_of(
    images: Sequence[Image], predicted: Iterable[Predicted], broken: Mapping[int, Image]
) -> np.ndarray:
    """The predictions of all images, float32 (N, K); a broken image gets the mean prediction.

    Args:
        broken: the images without a prediction, by their number, after the last prediction.
    """
    values: np.ndarray | None = None
    for number, _, prediction in predicted:
        if values is None:
            values = np.zeros((len(images), len(prediction)), np.float32)
        values[number] = prediction
    if values is None:
        raise DataError("no image of the test can be predicted")
    if broken:
        good = np.ones(len(images), dtype=bool)
        good[list(broken)] = False
        values[~good] = np.mean(values[good], axis=0)
    return values


def save_predictions(path: Path, images: Sequence[Image], values: np.ndarray) -> None:
    """Write `ids` and `values` to an .npz file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez(stream, ids=np.array([image.id for image in images]), values=values)


def _id_column(data: Mapping[str, Any], root: Path) -> str | None:
    """The column of the ids; None if only the rows say it."""
    if data["id_column"] or not data["sample_submission"]:
        found: str | None = data["id_column"]
        return found
    return header_of_sample(root / data["sample_submission"])[0]


def _places(bundle: Mapping[str, Any], root: Path) -> Mapping[str, Places] | None:
    """The pixels that the sample submission asks for, if the rows are of pixels."""
    data, rows = bundle["data"], bundle["rows"]
    if rows["kind"] != "pixels" or not data["sample_submission"]:
        return None
    return pixels_by_image(row_ids(root / data["sample_submission"], rows["id_column"]))


def _write(
    path: Path,
    bundle: Mapping[str, Any],
    root: Path,
    parts: Iterable[Mapping[str, Any]],
    log: Log,
) -> Path:
    """Write the rows of all images. Those of pixels come from the sample submission already."""
    data, name = bundle["data"], bundle["data"]["sample_submission"]
    header, id_column = header_of_sample(root / name) if name else None, _id_column(data, root)
    ordered = bundle["rows"]["kind"] == "pixels"
    count = write_submission(
        path,
        parts,
        bundle["decimals"],
        header,
        id_column,
        partial(row_ids, root / name, id_column) if name and not ordered else None,
        bundle["limits"],
        log,
    )
    log(f"wrote {path} with {count:,} rows")
    return path


def _rows(
    predictions: Iterable[tuple[Image, np.ndarray]], bundle: Mapping[str, Any], root: Path
) -> Iterator[Mapping[str, Any]]:
    rows, decision = dict(bundle["rows"]), bundle["decision"]
    if rows["kind"] == "table":
        rows["id_column"] = _id_column(bundle["data"], root) or rows["id_column"]
    make = make_rows(rows)
    for image, values in predictions:
        yield make(image, values, decide(values, decision))
