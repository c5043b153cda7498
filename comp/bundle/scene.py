"""What a rehearsal has: the bundle, the data of its run, and what `comp predict` says about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from comp.bundle.child import WHEELS
from comp.bundle.kaggle_time import LIMIT_H, MachineName
from comp.bundle.manifest import check_manifest
from comp.bundle.same import EXACT, LOOSE
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.contract.task import Params
from comp.data.location import open_data
from comp.data.units import units_of
from comp.errors import ConfigError, RunError
from comp.inference.predictions import Predictions
from comp.pipeline.predict_blend import predict_any
from comp.pipeline.predict_files import SUBMISSION, TEST
from comp.runs.folder import RunFolder
from comp.runs.lineage import blend_record
from comp.submission.order import order_rows
from comp.submission.rows import submission_rows
from comp.submission.spec import SubmissionSpec
from comp.submission.template import submission_spec
from comp.submission.write import write_rows
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class RehearsalSettings:
    """What a user may choose of a rehearsal."""

    data: Path | None = None
    """The data of the competition; None for that of the run."""
    device: str = "auto"
    """Where comp and the bundle predict."""
    limit_s: float = 3600
    """Seconds that one step may take."""
    machine: MachineName = "t4"
    factor: float | None = None
    """How many times as long an image takes at Kaggle; None for the one of `kaggle_time`."""
    hidden_images: int | None = None
    """Images of the hidden test; None: ten times those of the public test."""
    limit_h: float = LIMIT_H
    """Hours that a notebook may run."""
    python: Path | None = None
    """The Python that runs the program, such as that of a fresh environment; None: this one."""

    def __post_init__(self) -> None:
        """Raises ConfigError: the factor is not above 0."""
        if self.factor is not None and not self.factor > 0:
            raise ConfigError(
                f"--factor {self.factor:g} is not above 0: give how many times as "
                "long an image takes at Kaggle, such as 0.5"
            )


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A bundle, and the public test with the predictions of comp."""

    bundle: Path
    manifest: Mapping[str, Any]
    run_id: str
    competition: Competition
    root: Path
    """The data."""
    samples: Sequence[Sample]
    """The public test, in the order of the sample submission; one for each prediction."""
    params: Params | None
    device: str
    tolerance: float
    whole_test: bool
    """Whether predictions may depend on the other images of the test: the plugin has a reader of
    its own, `predict.adapt` or `predict.shares` is set, or a model blends several runs. Then comp
    predicts other tests too."""
    reference: Path
    """The folder that `comp predict` has written."""
    settings: RehearsalSettings
    workspace: Workspace

    @property
    def slug(self) -> str:
        """Kaggle's name of the competition."""
        return self.competition.kaggle.rpartition("/")[2]

    @property
    def predictions(self) -> Predictions:
        """The predictions of comp for the public test, by id."""
        return Predictions(self.reference / TEST)

    @property
    def submission(self) -> Path:
        """The submission of comp for the public test."""
        return self.reference / SUBMISSION

    @property
    def wheels(self) -> bool:
        """Whether comp itself is in the bundle."""
        return any((self.bundle / name).is_dir() for name in WHEELS)


def open_scene(
    bundle: Path, workspace: Workspace, settings: RehearsalSettings, scratch: Path
) -> Scene:
    """Check the bundle, find its run and data, and predict the public test with comp.

    Raises:
        RunError: the folder is not a bundle or was changed, or its run is not in the workspace.
        DataError: the data is missing.
    """
    manifest = check_manifest(bundle)
    run = RunFolder(workspace.find_run(str(manifest["run"])))
    record = run.record("competition", "config", "data")
    competition = registry.get(record["competition"])
    root = open_data(competition, settings.data or Path(record["data"]), workspace).resolve()
    samples = units_of(competition.samples(root, "test"), competition.pool)
    if not samples:
        raise RunError(f"{root} has no test images, so there is nothing to rehearse with")
    device = _device(settings.device)
    precision = record["config"].get("precision", "auto")
    reduced = precision in ("fp16", "bf16") or (precision == "auto" and device == "cuda")
    reference = scratch / "comp"
    keys = {"device": device}
    predict_any(run.run_id, workspace, data=root, out=reference, settings=keys, skip_bad=True)
    return Scene(
        bundle=bundle.resolve(),
        manifest=manifest,
        run_id=run.run_id,
        competition=competition,
        root=root,
        samples=samples,
        params=_params(run, competition),
        device=device,
        tolerance=LOOSE if reduced or is_half(bundle) else EXACT,
        whole_test=_depends(competition, record["config"].get("predict", {}))
        or _is_second_level(record),
        reference=reference,
        settings=settings,
        workspace=workspace,
    )


def predict_there(scene: Scene, data: Path, scratch: Path) -> Path:
    """Predict another test with comp; returns the folder of the predictions.

    Args:
        scratch: a folder for it, and for decoded images.
    """
    workspace = Workspace(scratch, scene.workspace.out)
    out, keys = scratch / "comp", {"device": scene.device}
    predict_any(scene.run_id, workspace, data=data, out=out, settings=keys, skip_bad=True)
    return out


def _is_second_level(record: Mapping[str, Any]) -> bool:
    """Whether a run is a blend by a model: what it makes of mean predictions is not the mean of its
    predictions, which a broken image gets otherwise."""
    return any(member.get("weight") is None for member in blend_record(record).get("runs", ()))


def _depends(competition: Competition, keys: Mapping[str, Any]) -> bool:
    adapted = any(keys.get(name, "none") != "none" for name in ("adapt", "shares"))
    return adapted or competition.reader is not None


def _device(wanted: str) -> str:
    """The device of both programs: a bundle knows GPUs of NVIDIA and the CPU."""
    import torch

    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def _params(run: RunFolder, competition: Competition) -> Params | None:
    decision = competition.task.decision
    if decision is None or decision.fit is None:
        return None
    return run.decision_params()


def is_half(bundle: Path) -> bool:
    """Whether weights of a bundle are stored in half precision."""
    for path in sorted(bundle.glob("weights/*.safetensors")):
        with path.open("rb") as stream:
            header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
        header.pop("__metadata__", None)
        if any(entry["dtype"] in ("F16", "BF16") for entry in header.values()):
            return True
    return False


def spec_of(scene: Scene, data: Path | None, samples: Sequence[Sample]) -> SubmissionSpec:
    """What the submission of a test must be.

    Args:
        data: the folder with the sample submission; None if the competition has none.
    """
    name = scene.competition.sample_submission
    template = data / name if data and name else [sample.id for sample in samples]
    return submission_spec(scene.competition, template, samples)


def write_hidden_submissions(
    scene: Scene, data: Path, samples: Sequence[Sample], old_ids: Mapping[str, str], path: Path
) -> None:
    """Write the submission that comp makes of a hidden test to `path`, and the sample submission
    into `data`: the same rows, with the values of the first row of the public one.

    Args:
        samples: the hidden test, in order.
        old_ids: id there -> id in the public test.
    """
    known = scene.predictions
    pairs = ((sample, known[old_ids[sample.id]]) for sample in samples)
    rows = submission_rows(scene.competition, pairs, scene.params)
    name = scene.competition.sample_submission
    header: Sequence[str] = ()
    if name:
        public = pl.read_csv(scene.root / name, infer_schema=False, n_rows=1, glob=False)
        header = public.columns
    write_rows(path, rows, scene.competition.decimals, header)
    if name:
        hidden = pl.read_csv(path, infer_schema=False, glob=False)
        values = scene.competition.rle_columns or hidden.columns[1:]
        blanks = {name: public[name][0] for name in values if name in public.columns}
        sample = hidden.with_columns(pl.lit(v, dtype=pl.String).alias(c) for c, v in blanks.items())
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        sample.write_csv(data / name)
        order_rows(path, spec_of(scene, data, samples))
