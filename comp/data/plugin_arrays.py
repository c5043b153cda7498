"""Arrays and cells that comp shares with the code of a plugin, which may change them in place."""

from __future__ import annotations

import copy
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from comp.contract.sample import Item, Reader, Sample


def is_from_comp(function: Callable[..., object]) -> bool:
    """Whether a function is one of comp, and calls none of a plugin that it was given."""
    if isinstance(function, partial):
        given = [function.func, *function.args, *function.keywords.values()]
        return all(is_from_comp(each) for each in given if callable(each))
    return (getattr(function, "__module__", None) or "").startswith("comp.")


def fresh_item(reader: Reader, sample: Sample) -> dict[str, Any]:
    """What a reader returns, with arrays that a transform or a metric may change.

    The readers of comp make new arrays for each item. One of a plugin may keep those that it
    returns, so they are copied.
    """
    item = dict(reader(sample))
    return fresh_arrays(reader, item)


def fresh_arrays(reader: Reader, item: dict[str, Any]) -> dict[str, Any]:
    """An item that a reader returned, with copies of arrays that the reader may keep."""
    if not _may_keep(reader):
        return item
    return {
        name: values.copy() if isinstance(values, np.ndarray) else values
        for name, values in item.items()
    }


def _may_keep(reader: Reader) -> bool:
    """Whether a reader is one of a plugin, or asks one."""
    inner = getattr(reader, "reader", None) or getattr(reader, "images", None)
    return not is_from_comp(reader) or (callable(inner) and _may_keep(inner))


@dataclass(frozen=True)
class OwnReader:
    """A plugin's reader. It gets a copy of the features of each sample: what it changes there would
    pile up from one epoch to the next, and reach the columns of later folds."""

    reader: Reader

    @property
    def target_alone(self) -> Reader:
        """How the reader reads a target alone, if it can.

        Raises:
            AttributeError: it cannot.
        """
        alone: Reader = self.reader.target_alone  # type: ignore[attr-defined]
        return lambda sample: alone(_with_own_features(sample))

    def __call__(self, sample: Sample) -> Item:
        """Read one sample."""
        return self.reader(_with_own_features(sample))


def with_own_features(reader: Reader) -> Reader:
    """A reader that may change the features of the samples that it is called with; those of comp do
    not change any."""
    return OwnReader(reader) if _may_keep(reader) else reader


def _with_own_features(sample: Sample) -> Sample:
    """The sample with a copy of its features, if they can be changed."""
    if not isinstance(sample.features, MutableMapping):
        return sample
    own = copy.copy(sample)
    object.__setattr__(own, "features", copy.copy(sample.features))
    return own
