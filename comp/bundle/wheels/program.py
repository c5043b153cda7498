"""Predicts the test of a competition with comp, which this bundle takes along, and writes
submission.csv.

`comp bundle --wheels` wrote this folder: bundle.json says what the run is, run/ has its files,
wheels/ has comp and the libraries that Kaggle's image lacks, code/ the plugin if it is not one of
comp's, and manifest.json the SHA-256 of every file. The program needs no internet. It finds the
data of the competition by itself, anywhere below --input:

    python predict.py --input /kaggle/input --output /kaggle/working
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

SUBMISSION = "submission.csv"
SHOWN = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Predict, and return the exit code: 0, or 2 after one line that says what is wrong."""
    options = parse(arguments)
    bundle = json.loads((options.bundle / "bundle.json").read_text(encoding="utf-8"))
    log(f"bundle of run {bundle['run']['id']}, {bundle['competition']['title']}")
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    if found != bundle["python"] and bundle["packages"]:
        return fail(
            f"the wheels are for Python {bundle['python']}, and this is {found}: make the bundle "
            f"with --python {found}"
        )
    with TemporaryDirectory(prefix="comp-bundle-") as folder:
        scratch = Path(folder)
        problem = install(options.bundle, scratch / "libraries")
        if problem:
            return fail(f"the wheels cannot be installed: {problem}")
        from comp.errors import CompError

        try:
            predict(options, bundle, scratch)
        except CompError as error:
            return fail(str(error))
        except ModuleNotFoundError as error:
            return fail(
                f"the library {error.name} is not here, and not in the wheels of the bundle: run "
                "it in the newest image of Kaggle, or install the library"
            )
    return 0


def fail(message: str) -> int:
    """Say what is wrong; returns the exit code."""
    print(f"error: {message}", file=sys.stderr, flush=True)
    return 2


def log(line: str) -> None:
    """Print one line at once, so that it is there if the process is stopped."""
    print(line, flush=True)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(description="Predict the test, and write rows for it")
    add = parser.add_argument
    add("--input", type=Path, default=Path("/kaggle/input"), help="the data is somewhere below it")
    add("--output", type=Path, default=Path("/kaggle/working"), help="folder of submission.csv")
    add("--bundle", type=Path, default=Path(__file__).parent, help="folder of bundle.json")
    add("--predictions", type=Path, help="also write the raw predictions to this .npz file")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto")
    add("--batch-size", type=int, help="images of a batch; default: as in the run")
    add("--workers", type=int, help="processes that read images; default: as in the run")
    return parser.parse_args(arguments)


def install(bundle: Path, target: Path) -> str:
    """Install the wheels into a folder, and let Python find it; returns why that failed, or ""."""
    wheels = sorted((bundle / "wheels").glob("*.whl"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    command += ["--no-compile", "--disable-pip-version-check", "--target", str(target)]
    log(f"installing {len(wheels)} wheels into a temporary folder")
    done = subprocess.run([*command, *map(str, wheels)], capture_output=True, text=True)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    code = shutil.copytree(bundle / "code", target / "code") if (bundle / "code").is_dir() else None
    sys.path[:0] = [str(target), *([str(code)] if code else [])]
    known = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [*sys.path[: 1 + bool(code)], *([known] if known else [])]
    )
    return ""


def predict(options: argparse.Namespace, bundle: Mapping[str, Any], scratch: Path) -> None:
    """Find the data, predict it with comp, and write the submission.

    Raises:
        CompError: the data is not as it must be.
    """
    from comp.bundle.parts.devices import choose_devices
    from comp.bundle.parts.locate import find_data
    from comp.errors import DataError
    from comp.pipeline.predict_blend import predict_any
    from comp.workspace import Workspace

    root = find_data(options.input, bundle["data"])
    log(f"found the data in {root}")
    devices = choose_devices(options.device, log, bundle["precision"])
    settings: dict[str, Any] = {"device": devices[0].type}
    if options.batch_size:
        settings["predict"] = {"batch_size": options.batch_size}
    place_runs(options.bundle.absolute() / "run", root, scratch / "place")
    result = predict_any(
        bundle["run"]["id"],
        Workspace.at(scratch, scratch / "place"),
        data=root,
        out=scratch / "predicted",
        settings=settings,
        on_prediction=progress(log),
        skip_bad=True,
    )
    for line in result.notes:
        log(f"note {line}")
    for number, (path, reason) in enumerate(result.skipped.items()):
        if number < SHOWN:
            log(f"broken {Path(path).name}: {reason}; it gets the mean prediction")
    if result.submission is None:
        raise DataError(f"{root} has not the layout of the competition, so there is no submission")
    options.output.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(result.submission, options.output / SUBMISSION)
    if options.predictions:
        save_predictions(options.predictions, result.out / "test.safetensors")
    log(f"wrote {options.output / SUBMISSION} with {result.n_rows:,} rows")


def place_runs(source: Path, root: Path, target: Path) -> None:
    """Make the folders of the runs, with links to the files in the bundle, which may be read-only.
    Their data is that which is here."""
    for folder in source.glob("runs/*/*"):
        place = target / folder.relative_to(source)
        place.mkdir(parents=True)
        for path in folder.iterdir():
            if path.name != "run.json":
                (place / path.name).symlink_to(path)
        record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        record["data"] = str(root)
        keys = record["config"].get("predict", {})
        if any(keys.get(name, "none") != "none" for name in ("adapt", "shares")):
            record["data_fingerprint"] = fingerprint_of(record["competition"], folder, root)
        (place / "run.json").write_text(json.dumps(record), encoding="utf-8")


def fingerprint_of(competition: str, folder: Path, root: Path) -> str:
    """The fingerprint of the samples that are here: the hidden test has other ones than the run."""
    from comp.contract import registry
    from comp.data.fingerprint import fingerprint
    from comp.data.folds import read_folds

    samples, known = registry.get(competition).samples, read_folds(folder / "folds.csv")
    train = [sample for sample in samples(root, "train") if sample.id in known]
    return fingerprint([*train, *samples(root, "test")])


def progress(log: Callable[[str], None]) -> Callable[[int, int, int], None]:
    """Says when a fold is predicted."""

    def show(fold: int, done: int, total: int) -> None:
        if done == total:
            log(f"predicted {total:,} with fold {fold}")

    return show


def save_predictions(path: Path, source: Path) -> None:
    """Write `ids`, and `values` (N, K) or one array for each image, to an .npz file."""
    import numpy as np

    from comp.inference.predictions import Predictions

    known = Predictions(source)
    ids = list(known)
    arrays = {f"image-{number}": known[name] for number, name in enumerate(ids)}
    if all(values.ndim == 1 for values in arrays.values()):
        arrays = {"values": np.stack(list(arrays.values()))}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez(stream, ids=np.array(ids), **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
