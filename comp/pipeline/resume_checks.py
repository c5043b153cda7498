"""What a run began with, against what it is gone on with: configuration, device, data, weights."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import torch

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.data.folds import read_folds
from comp.data.location import fingerprint
from comp.errors import ConfigError, DataError, DeviceError
from comp.pipeline.run_inputs import RunInputs, record_fields
from comp.runs import folder as runfolder
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.submission.ledger import public_config
from comp.training.device import choose_device, choose_precision, describe

LOOSE = "predict.batch_size"
"""A key on which the last digits of predictions depend."""
FREE = (LOOSE, "loader.workers", "checkpoint_every")
"""Keys that may be others than when a run began, for what is learnt does not depend on them."""
COMPUTING = (
    *("torch", "torchvision", "timm", "accelerate"),
    *("albumentations", "numpy", "opencv-python-headless", "scikit-learn"),
)
"""The packages whose version may change a result."""


def resumed_config(record: Mapping[str, Any], given: Mapping[str, Any]) -> RunConfig:
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


def config_changes(record: Mapping[str, Any], config: RunConfig) -> dict[str, Any]:
    """What run.json is to say of keys that differ from before; nothing where none does."""
    competition = registry.get(config.competition)
    changed = _differing(resolve(competition.name, [record["config"]], competition.options), config)
    if not changed:
        return {}
    known = record.get("changed", {})
    return {"config": config.model_dump(mode="json"), "changed": known | changed}


def changes_text(changes: Mapping[str, Any]) -> list[str]:
    """The same in words."""
    changed = changes.get("changed", {})
    if not changed:
        return []
    said = "; ".join(f"{key} was {was}, is {now}" for key, (was, now) in changed.items())
    digits = "; predictions may differ in their last digits" if LOOSE in changed else ""
    return [f"goes on with other keys than it began with: {said}{digits}"]


def with_recorded_device(
    config: RunConfig, record: Mapping[str, Any], reporter: Reporter
) -> RunConfig:
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


def resume_record(inputs: RunInputs) -> dict[str, Any]:
    """What run.json says of each time that the run is gone on with."""
    packages = runfolder.environment()["packages"]
    return {
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "device": inputs.device,
        "precision": inputs.precision,
        "packages": {name: packages[name] for name in COMPUTING},
    }


def check_data(inputs: RunInputs, folder: RunFolder, record: Mapping[str, Any]) -> None:
    """Make sure that the samples and their bytes are those that the run began with.

    Raises:
        DataError: saying what differs.
    """
    before = read_folds(folder.folds_csv)
    now = {sample.id for sample in inputs.train}
    gone, new = sorted(before.keys() - now), sorted(now - before.keys())
    said = [
        f"{len(ids)} training samples are {word}, the first is {ids[0]}"
        for ids, word in ((gone, "gone"), (new, "new"))
        if ids
    ]
    if not said and inputs.folds != before:
        said = ["labels or groups of samples changed, so that the folds would be others"]
    if not said and fingerprint([*inputs.train, *inputs.test]) != record["data_fingerprint"]:
        said = ["the bytes of images, or the test samples, are others"]
    if said:
        raise DataError(
            f"the data in {inputs.source.root} changed since run {folder.run_id} began: "
            f"{'; '.join(said)}; restore it, or begin a new run"
        )


def check_weights(inputs: RunInputs, record: Mapping[str, Any]) -> None:
    """Make sure that the folds to come start from the weights that the others started from.

    Raises:
        ConfigError: saying which they were.
    """
    before, now = record.get("weights"), record_fields(inputs)["weights"]
    if before and now and before.get("sha256") != now.get("sha256"):
        raise ConfigError(
            f"the pretrained weights are others than when the run began (SHA-256 "
            f"{str(now.get('sha256'))[:12]}, was {str(before.get('sha256'))[:12]}): restore the "
            "file, or begin a new run"
        )
