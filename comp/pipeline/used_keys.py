"""Which keys of the configuration the functions of a competition read.

The functions get a configuration that records which of its keys are read. A key that none of them
reads does nothing. The keys of a section that a result still holds are not judged, because they may
be read later.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from comp.config.schema import RunConfig, keys
from comp.config.section import Section
from comp.contract.competition import Competition

JUDGED = ("image.", "augment.", "head.")
"""Sections that only the functions of a competition read."""
JUDGED_KEYS = ("backbone", "backbone_args", "pretrained", "weights", "dropout", "drop_path")
READ_ELSEWHERE = (
    *("image.range", "image.cache", "image.cache_gb"),
    *("image.equalize", "augment.preset"),
)


def unread_keys(
    competition: Competition, config: RunConfig, among: Collection[str] | None = None
) -> Collection[str]:
    """The keys of the network, the images and the augmentation that the competition does not read
    with this configuration. None is named if one of its functions fails, or if it reads data in a
    way of its own that needs the data.

    Args:
        among: judge only these keys, and build no network if other functions read them; None: all.
    """
    read: set[str] = set()
    recorded = recording(_random(config), read)
    left = [
        key
        for key in keys(RunConfig)
        if (key.startswith(JUDGED) or key in JUDGED_KEYS) and key not in READ_ELSEWHERE
    ]
    left = [key for key in left if among is None or key in among]
    results = _results(competition, recorded)
    try:
        while left:
            held = _held_prefixes(next(results))
            left = [key for key in left if key not in read and not key.startswith(held)]
    except StopIteration:
        return left
    except Exception:  # a plugin may raise anything; the run reports it
        return ()
    return left


def recording(section: Section, read: set[str], prefix: str = "") -> Any:
    """A copy of a section that adds the dotted name of each key that is read to `read`."""
    kind = type(section)
    names = frozenset(kind.model_fields)

    def get(self: Any, name: str) -> Any:
        if name in names:
            read.add(prefix + name)
        return kind.__getattribute__(self, name)

    values = {
        name: recording(value, read, f"{prefix}{name}.") if isinstance(value, Section) else value
        for name, value in section
    }
    space = {
        "__getattribute__": get,
        "__module__": kind.__module__,
        "__recorded_prefix__": prefix,
        "model_config": {"defer_build": True},
    }
    make: Any = type(kind)
    copy: Any = make(kind.__name__, (kind,), space)
    return copy.model_construct(**values)


def _random(config: RunConfig) -> RunConfig:
    return config.model_copy(update={"pretrained": False, "weights": None})


def _results(competition: Competition, config: RunConfig) -> Any:
    """What the functions of a competition make of a configuration."""
    yield competition.pipeline(config, True)
    yield competition.pipeline(config, False)
    if competition.image_spec:
        yield competition.image_spec(config)
    if competition.reader:
        with TemporaryDirectory(prefix="comp-") as folder:
            yield competition.reader([], config, Path(folder))
    yield competition.model(config)


class _Finder(pickle.Pickler):
    """Collects the recorded sections in what is pickled, without the values of tensors."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())
        self.prefixes: set[str] = set()

    def persistent_id(self, value: Any) -> Any:
        prefix = getattr(type(value), "__recorded_prefix__", None)
        if prefix is not None:
            self.prefixes.add(prefix)
        return "seen" if prefix is not None or isinstance(value, torch.Tensor) else None


def _held_prefixes(results: Any) -> tuple[str, ...]:
    """The prefixes of the sections that the results hold; all if they cannot be pickled."""
    finder = _Finder()
    try:
        finder.dump(results)
    except (pickle.PicklingError, AttributeError, TypeError):
        return ("",)
    return tuple(finder.prefixes)
