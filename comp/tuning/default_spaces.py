"""What a study tunes without a space file, by the models of a configuration and the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comp.config.model import COLUMN_NETWORKS, ESTIMATORS, NETWORK
from comp.config.nesting import merge, nested
from comp.config.schema import RunConfig, value_at
from comp.contract.competition import Competition

Entry = Mapping[str, Any]
_TREES: Mapping[str, Entry] = {
    "gbdt.lr": {"low": 0.01, "high": 0.3, "log": True},
    "gbdt.leaves": {"low": 7, "high": 255, "log": True},
    "gbdt.min_leaf": {"low": 5, "high": 200, "log": True},
    "gbdt.l2": {"low": 0.01, "high": 100.0, "log": True},
    "gbdt.columns": {"low": 0.2, "high": 1.0},
}
_ROWS: Mapping[str, Entry] = {"gbdt.rows": {"low": 0.5, "high": 1.0}}
_LINEAR: Mapping[str, Entry] = {
    "linear.strength": {"choices": [None, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]}
}
_KNN: Mapping[str, Entry] = {"knn.neighbors": {"choices": [None, 3, 5, 10, 20, 50, 100]}}
_NETWORK: Mapping[str, Entry] = {
    "optim.lr": {"low": 1e-4, "high": 1e-2, "log": True},
    "optim.weight_decay": {"low": 1e-3, "high": 0.3, "log": True},
}
_IMAGES: Mapping[str, Entry] = {
    "augment.preset": {"choices": ["none", "light", "medium", "strong"]},
    "dropout": {"low": 0.0, "high": 0.5},
}
_RATES: Mapping[str, Entry] = {"optim.layer_decay": {"choices": [None, 0.9, 0.75, 0.5]}}
"""The rates of the head and of the backbone."""
_MIXED: Mapping[str, Entry] = {
    "loss.smoothing": {"low": 0.0, "high": 0.2},
    "loader.mixup": {"low": 0.0, "high": 0.4},
}
_COLUMNS: Mapping[str, Mapping[str, Entry]] = {
    "mlp": {
        "mlp.layers": {"low": 1, "high": 5},
        "mlp.width": {"choices": [128, 256, 512]},
        "mlp.dropout": {"low": 0.0, "high": 0.5},
    },
    "tabm": {
        "tabm.layers": {"low": 1, "high": 4},
        "tabm.width": {"choices": [96, 192, 384]},
        "tabm.dropout": {"low": 0.0, "high": 0.5},
    },
}
LOSSES = 4
"""Most losses of images that are tried."""


def default_space(competition: Competition, config: RunConfig) -> dict[str, Any]:
    """The space of a competition with a configuration, nested as in a space file.

    Ranges are those in which good values usually are; each is extended to contain the value of the
    configuration, which is the default trial.
    """
    entries: dict[str, Entry] = {}
    for name in config.model:
        if name in ESTIMATORS:
            entries |= _of_estimator(name)
        elif name in COLUMN_NETWORKS:
            entries |= {**_NETWORK, **_COLUMNS[name]}
        else:
            entries |= _of_network(competition, config)
    values, space = config.model_dump(mode="json"), dict[str, Any]()
    for key, entry in entries.items():
        space = merge(space, nested(key, _containing(entry, value_at(values, key))))
    return space


def _of_estimator(name: str) -> Mapping[str, Entry]:
    if name == "linear":
        return _LINEAR
    if name == "knn":
        return _KNN
    return _TREES if name == "gbdt" else {**_TREES, **_ROWS}


def _of_network(competition: Competition, config: RunConfig) -> Mapping[str, Entry]:
    """A network of images: what its task and its frozen stages leave to tune."""
    assert NETWORK in config.model
    task = competition.task
    entries: dict[str, Entry] = {**_NETWORK, **_IMAGES}
    if task.restores or _caches_features(config):
        del entries["augment.preset"]
    if task.output == "image":
        del entries["dropout"]
        names = [config.loss.name, *task.losses]
        if competition.loss is None and len(task.losses) > 1:
            entries["loss.name"] = {"choices": list(dict.fromkeys(names))[:LOSSES]}
    if config.pretrained and config.freeze != "all":
        entries |= _RATES
    if task.soften is not None and competition.loss is None:
        entries |= _MIXED
    return entries


def _caches_features(config: RunConfig) -> bool:
    """Whether what the frozen stages return is computed once, so that augmentation either does
    nothing or costs the features of all images."""
    if config.freeze in ("none", 0) or config.thaw.how != "never" or not config.pretrained:
        return False
    cache = config.features.cache
    return config.freeze == "all" if cache == "auto" else cache is not False


def _containing(entry: Entry, value: Any) -> Entry:
    """The entry, extended to contain a value."""
    if "choices" in entry:
        choices = list(entry["choices"])
        return {"choices": choices if value in choices else [value, *choices]}
    if isinstance(value, bool) or not isinstance(value, int | float):
        return entry
    logarithmic = entry.get("log", False) and value > 0
    low, high = min(entry["low"], value), max(entry["high"], value)
    return {"low": low, "high": high, **({"log": True} if logarithmic else {})}
