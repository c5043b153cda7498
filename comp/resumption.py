"""Going on with a run that was stopped, by a signal, a crash or a full disk.

Finished folds are never made again, and the one that was under way goes on from its saved state, so
that on the CPU the weights, predictions and submission are those of a run that was never stopped.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from comp import registry, runfolder
from comp.config import RunConfig, resolve
from comp.data.folds import read_folds
from comp.data.location import Source, cached_sample, fingerprint, root_of
from comp.errors import ConfigError, DataError, DeviceError, RunError
from comp.material import Material, facts, gather, remarks
from comp.records import FoldResult, Reporter, Summary
from comp.run import carry_on, finished, measure, opening
from comp.runfolder import TO_GO_ON, RunFolder
from comp.submission.ledger import public_config
from comp.training.budget import Cost, cost_of
from comp.training.checkpoint import META
from comp.training.device import choose_device, choose_precision, describe
from comp.training.resume import RESUME, read
from comp.workspace import Workspace

LOOSE = "predict.batch_size"
"""A key on which the last digits of predictions depend."""
FREE = (LOOSE, "loader.workers", "checkpoint_every")
"""Keys that may be others than when a run began, for what is learnt does not depend on them."""
COMPUTING = (
    *("torch", "torchvision", "timm", "accelerate"),
    *("albumentations", "numpy", "opencv-python-headless", "scikit-learn"),
)
"""The packages whose version may change a result."""


def resume(
    folder: RunFolder,
    workspace: Workspace,
    reporter: Reporter,
    *,
    given: Mapping[str, Any] | None = None,
    data: Path | None = None,
    began: float | None = None,
) -> Summary:
    """Go on with a run until it is finished.

    Args:
        given: configuration keys that the user gave again; they must say what the run's say,
            but for those that change nothing that is learnt, which are noted in run.json.
        data: a folder or zip with the run's data, where it is no longer where it was.
        began: `time.perf_counter()` when the command began.

    Raises:
        ConfigError: keys that differ from the run's.
        DataError: data that is not what the run was begun with.
        DeviceError: a device or a precision that the run began with and that is not here.
        RunError: a run that is finished, or that another process works on.
        CompError: whatever stops the run again.
    """
    began = time.perf_counter() if began is None else began
    record = folder.record(*TO_GO_ON)
    if record.get("state") == "finished":
        raise RunError(f"run {folder.run_id} is finished: there is nothing to go on with")
    if folder.alive():
        raise RunError(f"another process works on run {folder.run_id}: wait for it")
    config = _config(record, given or {})
    changes = _changes(record, config)
    config = as_begun(config, record, reporter)
    with folder.running():
        source = source_of(record, workspace, data)
        return _go_on(folder, record, config, changes, source, workspace, reporter, began)


def _go_on(
    folder: RunFolder,
    record: Mapping[str, Any],
    config: RunConfig,
    changes: Mapping[str, Any],
    source: Source,
    workspace: Workspace,
    reporter: Reporter,
    began: float,
) -> Summary:
    """Go on with a run that nobody else works on, and note what changed of its configuration."""
    skip = bool(record.get("skipped"))
    there = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
    material = gather(config, source, workspace, record["folds"], reporter, skip, there)
    check_data(material, folder, record)
    check_weights(material, record)
    material.images.keep(folder.kept)
    plan = record["plan"]
    began -= spent_s(folder, material)
    cost = _cost(material, folder)
    if cost is None and config.budget and not plan:
        cost = measure(material, began, reporter)
    reporter.opened(opening(material, folder, cost))
    folder.note(**changes)
    for words in [*_told(changes), *remarks(material), *_remade(folder, material)]:
        reporter.note(words)
    folder.note(data=str(source.root), resumed=[*(record.get("resumed") or []), _now(material)])
    return carry_on(material, folder, workspace, reporter, plan, cost, began)


def newest_unfinished(workspace: Workspace, competition: str | None = None) -> RunFolder:
    """The newest run that is neither finished, nor being worked on, nor damaged.

    Raises:
        RunError: when there is none.
    """
    found = sorted(workspace.out.glob(f"runs/{competition or '*'}/*/run.json"), reverse=True)
    for path in sorted(found, key=lambda path: path.parent.name, reverse=True):
        folder = RunFolder(path.parent)
        try:
            state = folder.record(*TO_GO_ON).get("state")
        except RunError:
            continue
        if state != "finished" and not folder.alive():
            return folder
    whose = f" of {competition}" if competition else ""
    raise RunError(f"no unfinished run{whose} under {workspace.out / 'runs'}: nothing to resume")


def source_of(record: Mapping[str, Any], workspace: Workspace, data: Path | None = None) -> Source:
    """Where the data of a run stands: where it did, or in `data`; a sample is drawn again where it
    is gone.

    Raises:
        DataError: when it is gone, or `data` has not the competition's layout.
    """
    competition, root = registry.get(record["competition"]), Path(record["data"])
    if data:
        root = root_of(competition, data, workspace).resolve()
    elif not root.is_dir() and record["sample"]:
        root = cached_sample(competition, workspace)
    if not root.is_dir():
        raise DataError(
            f"the data of the run is gone from {root}: put it back, or say where it stands with "
            "--data FOLDER or ZIP"
        )
    return Source(root, record["sample"])


def _config(record: Mapping[str, Any], given: Mapping[str, Any]) -> RunConfig:
    """The run's configuration.

    Raises:
        ConfigError: naming the keys that were given with other values and must not be.
    """
    competition = registry.get(record["competition"])
    config = resolve(competition.name, [record["config"]], competition.options)
    wanted = resolve(competition.name, [record["config"], given], competition.options)
    changed = [
        f"{key} was {was}, is {now}"
        for key, (was, now) in _differing(config, wanted).items()
        if key not in FREE and not (key == "device" and _is_kind(wanted.device, record))
    ]
    if changed:
        raise ConfigError(
            f"a run goes on as it began, and this differs: {'; '.join(changed)}; leave it out, or "
            "begin a new run"
        )
    return wanted


def _differing(config: RunConfig, wanted: RunConfig) -> dict[str, tuple[Any, Any]]:
    """The keys in which two configurations differ, each with both values."""
    old, new = (public_config(each.model_dump(mode="json")) for each in (config, wanted))
    keys = sorted(old.keys() | new.keys())
    return {key: (old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)}


def _is_kind(device: str, record: Mapping[str, Any]) -> bool:
    """Whether a device is of the kind that the run used."""
    kind = choose_device(device).type
    return str(record.get("device")).startswith((f"{kind} ", f"{kind}:"))


def _changes(record: Mapping[str, Any], config: RunConfig) -> dict[str, Any]:
    """What run.json is to say of keys that differ from before; nothing where none does."""
    competition = registry.get(config.competition)
    changed = _differing(resolve(competition.name, [record["config"]], competition.options), config)
    if not changed:
        return {}
    known = record.get("changed", {})
    return {"config": config.model_dump(mode="json"), "changed": known | changed}


def _told(changes: Mapping[str, Any]) -> list[str]:
    """The same in words."""
    changed = changes.get("changed", {})
    if not changed:
        return []
    said = "; ".join(f"{key} was {was}, is {now}" for key, (was, now) in changed.items())
    digits = "; predictions may differ in their last digits" if LOOSE in changed else ""
    return [f"goes on with other keys than it began with: {said}{digits}"]


def as_begun(config: RunConfig, record: Mapping[str, Any], reporter: Reporter) -> RunConfig:
    """The configuration with the device and the precision that the run began with, where it leaves
    them open; on the CPU with as many threads, too. Tells what is other than it was.

    Raises:
        DeviceError: where this machine has them not.
    """
    before, kept = str(record.get("device")), str(record.get("precision"))
    kind = before.partition(" ")[0]
    try:
        if config.device == "auto" and record.get("device"):
            config = config.model_copy(update={"device": kind})
        device = choose_device(config.device)
        if config.precision == "auto" and kept in ("fp32", "bf16", "fp16"):
            config = config.model_copy(update={"precision": kept})
        choose_precision(config.precision, device)
    except DeviceError as error:
        here = str(error).partition(":")[0]
        raise DeviceError(
            f"the run began on {before} in {kept}, which this machine has not ({here}): go on "
            "where it began, or begin a new run"
        ) from None
    threads = re.fullmatch(r"cpu \((\d+) threads\)", before)
    if threads and device.type == "cpu" and 0 < int(threads[1]) <= (os.cpu_count() or 1):
        torch.set_num_threads(int(threads[1]))
    others = [f"{name} {new} (was {old})" for name, old, new in _versions(record) if old != new]
    if record.get("device") and describe(device) != before:
        others.insert(0, f"{describe(device)} (was {before})")
    if others:
        reporter.note(
            f"other than when the run began: {', '.join(others)}; results may differ in their last "
            "digits from those of a run that was never stopped"
        )
    return config


def _versions(record: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(package, its version when the run began, and now), of those that compute."""
    environment = record.get("environment")
    before = environment.get("packages") if isinstance(environment, dict) else None
    if not isinstance(before, dict):
        return []
    now = runfolder.environment()["packages"]
    return [(name, str(before[name]), str(now[name])) for name in COMPUTING if name in before]


def _now(material: Material) -> dict[str, Any]:
    """What run.json says of each time that the run is gone on with."""
    packages = runfolder.environment()["packages"]
    return {
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "device": material.device,
        "precision": material.precision,
        "packages": {name: packages[name] for name in COMPUTING},
    }


def check_data(material: Material, folder: RunFolder, record: Mapping[str, Any]) -> None:
    """Make sure that the samples and their bytes are those that the run began with.

    Raises:
        DataError: saying what differs.
    """
    before = read_folds(folder.folds_csv)
    now = {sample.id for sample in material.train}
    gone, new = sorted(before.keys() - now), sorted(now - before.keys())
    said = [
        f"{len(ids)} training samples are {word}, the first is {ids[0]}"
        for ids, word in ((gone, "gone"), (new, "new"))
        if ids
    ]
    if not said and material.folds != before:
        said = ["labels or groups of samples changed, so that the folds would be others"]
    if not said and fingerprint([*material.train, *material.test]) != record["data_fingerprint"]:
        said = ["the bytes of images, or the test samples, are others"]
    if said:
        raise DataError(
            f"the data in {material.source.root} changed since run {folder.run_id} began: "
            f"{'; '.join(said)}; restore it, or begin a new run"
        )


def check_weights(material: Material, record: Mapping[str, Any]) -> None:
    """Make sure that the folds to come start from the weights that the others started from.

    Raises:
        ConfigError: saying which they were.
    """
    before, now = record.get("weights"), facts(material)["weights"]
    if before and now and before.get("sha256") != now.get("sha256"):
        raise ConfigError(
            f"the pretrained weights are others than when the run began (SHA-256 "
            f"{str(now.get('sha256'))[:12]}, was {str(before.get('sha256'))[:12]}): restore the "
            "file, or begin a new run"
        )


def _results(folder: RunFolder, material: Material) -> list[FoldResult]:
    found = (finished(folder, fold) for fold in material.chosen)
    return [result for result in found if result]


def _remade(folder: RunFolder, material: Material) -> list[str]:
    """Which folds were finished and are made again, in words."""
    return [
        f"fold {fold} is made again: a file in {folder.fold(fold)} is missing or damaged"
        for fold in material.chosen
        if (folder.fold(fold) / META).is_file() and finished(folder, fold) is None
    ]


def _cost(material: Material, folder: RunFolder) -> Cost | None:
    """What a fold costs, from the last one that is finished."""
    results = _results(folder, material)
    return cost_of(results[-1], _seconds(results[-1])) if results else None


def _seconds(result: FoldResult) -> float:
    return result.setup_s + result.fit_s + result.predict_s


def spent_s(folder: RunFolder, material: Material) -> float:
    """Seconds that the run's folds took before it was stopped, as far as they were kept."""
    open_folds = [fold for fold in material.chosen if finished(folder, fold) is None]
    states = [read(folder.fold(fold) / RESUME) for fold in open_folds]
    under_way = sum(saved.seconds for saved in states if saved)
    return under_way + sum(map(_seconds, _results(folder, material)))
