"""Compares a run that resumes with its record: configuration, device, data and weights."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import torch

from comp.config.report import ReportConfig
from comp.config.schema import RunConfig, resolve
from comp.config.track import TrackConfig
from comp.contract import registry
from comp.data.fingerprint import has_fingerprint
from comp.data.folds import read_folds
from comp.data.images.prepared import PreparedImages
from comp.errors import ConfigError, DataError, DeviceError
from comp.pipeline.auto_values import recorded_numbers
from comp.pipeline.cluster_device import of_nodes
from comp.pipeline.run_inputs import RunInputs
from comp.pipeline.run_record import record_fields
from comp.runs import folder as runfolder
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.submission.ledger import public_config
from comp.trackers.installed import check_installed
from comp.training.device import choose_device, choose_precision, describe
from comp.training.ranks import current_ranks

PREDICT_BATCH_SIZE = "predict.batch_size"
"""A key that may change the last digits of predictions."""
CHANGEABLE_KEYS = (
    *(PREDICT_BATCH_SIZE, "loader.workers", "checkpoint_every", "image.cache_gb"),
    *(f"report.{key}" for key in ReportConfig.model_fields),
    *(f"track.{key}" for key in TrackConfig.model_fields),
)
"""Keys that may change when a run resumes, because the training does not depend on them."""
NUMERIC_PACKAGES = (
    *("torch", "torchvision", "timm", "accelerate"),
    *("albumentations", "numpy", "opencv-python-headless", "scikit-learn"),
)
"""Packages whose version may change a result."""


def resumed_config(record: Mapping[str, Any], given: Mapping[str, Any]) -> RunConfig:
    """Return the run's configuration with the changes in `given`.

    Raises:
        ConfigError: `given` changes keys that must not change, or has a tracker that is not
            installed; the message names them.
    """
    competition = registry.get(record["competition"])
    recorded = resolve(competition.name, [record["config"]], competition.options)
    layers = [record["config"], recorded_numbers(given, record)]
    config = resolve(competition.name, layers, competition.options)
    if "to" in (given.get("track") or {}):  # else a tracker that is missing here stops no run
        check_installed(config.track.to)
    forbidden = [
        f"{key} was {old}, is {new}"
        for key, (old, new) in _differences(recorded, config).items()
        if key not in CHANGEABLE_KEYS
        and not (key == "device" and _is_recorded_kind(config.device, record))
    ]
    if forbidden:
        raise ConfigError(
            f"a resumed run must keep its configuration: {'; '.join(forbidden)}; omit these "
            "options, or start a new run"
        )
    return config


def _differences(before: RunConfig, after: RunConfig) -> dict[str, tuple[Any, Any]]:
    """The keys in which two configurations differ, each with (value before, value after)."""
    old, new = (public_config(config.model_dump(mode="json")) for config in (before, after))
    keys = sorted(old.keys() | new.keys())
    return {key: (old.get(key), new.get(key)) for key in keys if old.get(key) != new.get(key)}


def _is_recorded_kind(device: str, record: Mapping[str, Any]) -> bool:
    """Whether a device is of the same kind as the device of the run."""
    kind = choose_device(device).type
    return str(record.get("device")).startswith((f"{kind} ", f"{kind}:"))


def config_changes(record: Mapping[str, Any], config: RunConfig) -> dict[str, Any]:
    """Return what to update in run.json if `config` differs from the recorded configuration."""
    competition = registry.get(config.competition)
    recorded = resolve(competition.name, [record["config"]], competition.options)
    changed = _differences(recorded, config)
    if not changed:
        return {}
    earlier = record.get("changed", {})
    return {"config": config.model_dump(mode="json"), "changed": earlier | changed}


def changes_text(changes: Mapping[str, Any]) -> list[str]:
    """Describe the result of `config_changes` for the user."""
    changed = changes.get("changed", {})
    if not changed:
        return []
    keys = "; ".join(f"{key} was {old}, is {new}" for key, (old, new) in changed.items())
    digits = "; predictions may differ in their last digits"
    return [
        f"resumed with changed configuration keys: {keys}"
        f"{digits if PREDICT_BATCH_SIZE in changed else ''}"
    ]


def with_recorded_device(
    config: RunConfig, record: Mapping[str, Any], reporter: Reporter, on: str = ""
) -> RunConfig:
    """Return the configuration with the run's device and precision in place of "auto".

    On the CPU, the number of threads is set to that of the run. Differences of the device and of
    package versions are reported.

    Args:
        on: a cluster, whose nodes are asked for a GPU when it is connected; "" for none.

    Raises:
        DeviceError: this machine does not have the device or the precision.
    """
    device_text, precision = str(record.get("device")), str(record.get("precision"))
    kind = device_text.partition(" ")[0]
    try:
        if config.device == "auto" and record.get("device"):
            config = config.model_copy(update={"device": kind})
        if config.precision == "auto" and precision in ("fp32", "bf16", "fp16"):
            config = config.model_copy(update={"precision": precision})
        if of_nodes(config, on):
            _note_differences(record, [], reporter)
            return config
        device = choose_device(config.device)
        choose_precision(config.precision, device)
    except DeviceError as error:
        reason = str(error).partition(":")[0]
        raise DeviceError(
            f"the run used {device_text} in {precision}, which this machine does not have "
            f"({reason}): resume it on a machine that does, or start a new run"
        ) from None
    threads = re.fullmatch(r"cpu \((\d+) threads\)", device_text)
    if threads and device.type == "cpu" and 0 < int(threads[1]) <= (os.cpu_count() or 1):
        torch.set_num_threads(int(threads[1]))
    changed = record.get("device") and describe(device) != device_text
    first = [f"{describe(device)} (was {device_text})"] if changed else []
    _note_differences(record, first, reporter)
    return config


def _note_differences(record: Mapping[str, Any], first: list[str], reporter: Reporter) -> None:
    """Report `first`, and versions of packages that have changed."""
    versions = [f"{name} {new} (was {old})" for name, old, new in _versions(record) if old != new]
    differences = [*first, *versions]
    if differences:
        reporter.note(
            f"changed since the run started: {', '.join(differences)}; results may differ in their "
            "last digits from those of an uninterrupted run"
        )


def _versions(record: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(name, recorded version, installed version) of each numeric package."""
    environment = record.get("environment")
    recorded = environment.get("packages") if isinstance(environment, dict) else None
    if not isinstance(recorded, dict):
        return []
    installed = runfolder.environment()["packages"]
    return [
        (name, str(recorded[name]), str(installed[name]))
        for name in NUMERIC_PACKAGES
        if name in recorded
    ]


def resume_record(inputs: RunInputs) -> dict[str, Any]:
    """What run.json records each time the run resumes."""
    packages = runfolder.environment()["packages"]
    return {
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
        "device": inputs.device,
        "precision": inputs.precision,
        **({"processes": current_ranks().size} if not current_ranks().alone else {}),
        "packages": {name: packages[name] for name in NUMERIC_PACKAGES},
    }


def check_data(
    inputs: RunInputs, folder: RunFolder, record: Mapping[str, Any], caches: Path
) -> None:
    """Check that the samples, their folds and the bytes of their images are those of the run.

    Args:
        caches: the folder of caches, which remembers what files contain.

    Raises:
        DataError: they differ; the message names the difference.
    """
    recorded = read_folds(folder.folds_csv)
    ids = {sample.id for sample in inputs.train}
    missing, new = sorted(recorded.keys() - ids), sorted(ids - recorded.keys())
    differences = [
        f"{len(names)} training samples are {adjective}, the first is {names[0]}"
        for names, adjective in ((missing, "missing"), (new, "new"))
        if names
    ]
    if not differences and inputs.folds != recorded:
        differences = ["labels or groups of samples changed, which changes the folds"]
    every, expected = [*inputs.train, *inputs.test], record["data_fingerprint"]
    if not differences and not has_fingerprint(every, expected, caches):
        differences = ["the bytes of images, or the test samples, changed"]
    if differences:
        raise DataError(
            f"the data in {inputs.source.root} changed since run {folder.run_id} started: "
            f"{'; '.join(differences)}; restore the data, or start a new run"
        )


def check_weights(inputs: RunInputs, record: Mapping[str, Any]) -> None:
    """Check that the pretrained weights are those of the run.

    Raises:
        ConfigError: they differ; the message contains both hashes.
    """
    fields = record_fields(inputs)
    recorded, weights = record.get("weights"), fields["weights"]
    if record.get("embeddings") and record["embeddings"] != fields["embeddings"]:
        raise ConfigError(
            "the pretrained weights that embed the images changed since the run started: restore "
            "the file, or start a new run"
        )
    if recorded and weights and recorded.get("sha256") != weights.get("sha256"):
        raise ConfigError(
            f"the pretrained weights changed since the run started (SHA-256 "
            f"{str(weights.get('sha256'))[:12]}, was {str(recorded.get('sha256'))[:12]}): restore "
            "the file, or start a new run"
        )


def check_value_range(inputs: RunInputs, folder: RunFolder) -> None:
    """Check that images of more than 8 bits are read with the range of values of the run.

    Raises:
        DataError: the ranges differ, or the run was started by a version without such a range.
    """
    before = PreparedImages.read_pointer(folder.reader_folder).value_range
    now = inputs.images.value_range
    if (before and before.key()) != (now and now.key()):
        ranges = [r.sentence if r else "no range of values" for r in (before, now)]
        raise DataError(
            f"run {folder.run_id} read its images otherwise ({ranges[0]}; now {ranges[1]}): start "
            "a new run"
        )
