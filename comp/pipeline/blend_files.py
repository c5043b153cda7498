"""The folder of a blend, which other commands read as that of a run."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime

import numpy as np

from comp.config.nesting import merge
from comp.contract.sample import Sample
from comp.data.groups import NEVER
from comp.data.images.prepared import PreparedImages
from comp.data.location import DataSource
from comp.data.units import unit_of
from comp.inference.decisions import PairsOfFolds
from comp.inference.oof import OofPairs, score
from comp.pipeline.blend_fit import Combine
from comp.pipeline.blend_job import BlendJob
from comp.pipeline.blend_oof import ranks
from comp.pipeline.blend_runs import BlendRuns
from comp.pipeline.plugin_check import plugin_record
from comp.pipeline.prediction import TABLE_COLUMNS
from comp.pipeline.run_inputs import RunInputs
from comp.runs import folder as runfolder
from comp.runs.blend_results import BlendMember
from comp.runs.folder import RunFolder
from comp.runs.lineage import KEY
from comp.runs.results import FoldResult
from comp.workspace import Workspace

MODEL = "second-level.zip"
"""The fitted model of the second level, for the test set."""


def create_blend_folder(
    job: BlendJob, members: Sequence[BlendMember], workspace: Workspace
) -> RunFolder:
    """Make the folder of the blend, with folds.csv, run.json, and the reader's files of the first
    run, which read targets."""
    first, now = job.runs.first, datetime.now().astimezone()
    competition = job.runs.competition
    folder = runfolder.create(workspace.runs(competition.name), first.config, now)
    shutil.copyfile(first.folder.folds_csv, folder.folds_csv)
    if first.folder.reader_folder.is_dir():
        shutil.copytree(first.folder.reader_folder, folder.reader_folder)
    record = first.folder.record()
    predict = {"adapt": "none", "shares": "none"}  # its runs record what was adapted
    record["config"] = merge(record["config"], {"predict": predict})
    kept = (
        *("synthetic", "config", "fold_hash", "data_fingerprint", "data", "skipped", "external"),
        TABLE_COLUMNS,
    )
    folder.update_record(
        run_id=folder.run_id,
        state="running",
        competition=competition.name,
        started=now.isoformat(timespec="seconds"),
        **{key: record[key] for key in kept if key in record},
        folds=list(job.runs.folds),
        device="cpu",
        precision="fp32",
        environment=runfolder.environment(),
        plugin=plugin_record(competition),
        **{KEY: {"method": job.method, "runs": [asdict(member) for member in members]}},
    )
    return folder


def blend_inputs(runs: BlendRuns) -> RunInputs:
    """The inputs as those of a run over the samples that all runs have predicted."""
    first, common = runs.first, set(runs.ids)
    data = first.data
    folds = {s.id: data.folds[s.id] if unit_of(s) in common else NEVER for s in data.train}
    return RunInputs(
        competition=runs.competition,
        config=first.config,
        source=DataSource(data.root, first.synthetic),
        train=data.train,
        test=data.test,
        folds=folds,
        folds_to_train=runs.folds,
        device="cpu",
        precision="fp32",
        images=PreparedImages.read_pointer(first.folder.reader_folder),
        external=(),
        weights_origin=None,
    )


def test_predictions(job: BlendJob, combine: Combine) -> Iterator[tuple[Sample, np.ndarray]]:
    """Yield each test sample with its blended prediction."""
    listed = job.runs.test_members()
    if job.nested.table is None:
        for sample, members in listed:
            yield sample, combine(members)
        return
    samples, arrays = zip(*listed, strict=True)
    stacked = np.stack(arrays, axis=1).astype(np.float64)
    yield from zip(
        samples, combine(ranks(stacked) if job.method == "rank" else stacked), strict=True
    )


def fold_result(job: BlendJob, pairs: OofPairs, fold: int) -> FoldResult:
    """The result of a fold, which made no step."""
    of_fold = PairsOfFolds(pairs, job.runs.fold_of, fold.__eq__)
    return FoldResult(
        fold=fold,
        score=score(job.runs.competition, of_fold),
        loss=None,
        epoch=0,
        step=0,
        steps=0,
        planned=0,
        stopped_early=False,
        setup_s=0.0,
        fit_s=0.0,
        predict_s=0.0,
        validate_s=0.0,
        images_per_second=0.0,
        wait_share=0.0,
    )
