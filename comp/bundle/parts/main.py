"""The program of a bundle: predicts the test of a competition and writes submission.csv."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from comp.bundle.parts.blended import Blended
from comp.bundle.parts.dense import image_parts
from comp.bundle.parts.devices import choose_devices
from comp.bundle.parts.images import Log
from comp.bundle.parts.kinds import of_kind
from comp.bundle.parts.libraries import check_backbones, check_libraries
from comp.bundle.parts.locate import find_data, header_of_sample
from comp.bundle.parts.numbers import number_parts
from comp.bundle.parts.predictions import Predictor
from comp.bundle.parts.samples import id_column, list_images, row_keys
from comp.bundle.parts.write import check_columns, check_writable, write_submission
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
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


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
    path = options.output / SUBMISSION
    for file in filter(None, (path, options.predictions)):
        check_writable(file)
    root = find_data(options.input, bundle["data"])
    if bundle["data"]["sample_submission"]:
        header = header_of_sample(root / bundle["data"]["sample_submission"])
        check_columns(bundle["data"]["header"], header)  # before hours of work
    images = list_images(root, bundle["data"], log)
    log(f"found the data in {root}, {len(images):,} images of the test")
    devices = choose_devices(options.device, log, bundle["predict"]["precision"])
    runs = "several" if bundle.get("members") else "one"
    predictor = of_kind(RUNS, runs, "runs")(
        bundle,
        options.bundle,
        devices,
        log,
        workers=options.workers,
        batch_size=options.batch_size,
    )
    log(f"reading images with {predictor.workers} threads")
    predicted = predictor(images, root)
    parts_of = of_kind(OUTPUTS, bundle["predict"]["output"], "output")
    parts = parts_of(bundle, root, images, predicted, predictor.broken, options.predictions)
    return _write(options.output / SUBMISSION, bundle, root, parts, log)


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


def _write(
    path: Path,
    bundle: Mapping[str, Any],
    root: Path,
    parts: Iterable[Mapping[str, Any]],
    log: Log,
) -> Path:
    """Write the rows of all images. Those of pixels come from the sample submission already."""
    data, name = bundle["data"], bundle["data"]["sample_submission"]
    header = header_of_sample(root / name) if name else None
    keys = [id_column(root, data), bundle["rows"].get("class_column")]
    known = [each for each in keys if each]
    ordered = bundle["rows"]["kind"] == "pixels"
    count = write_submission(
        path,
        parts,
        bundle["decimals"],
        header,
        known,
        partial(row_keys, root / name, known) if name and not ordered else None,
        bundle["limits"],
        log,
    )
    log(f"wrote {path} with {count:,} rows")
    return path


RUNS: dict[str, Callable[..., Predictor | Blended]] = {
    "one": Predictor,
    "several": Blended,
}
"""Whether the bundle is one run or a blend of several -> what predicts the images."""
OUTPUTS: dict[str, Callable[..., Iterator[Mapping[str, Any]]]] = {
    "numbers": number_parts,
    "image": image_parts,
}
"""What the networks predict -> what makes rows of it."""
