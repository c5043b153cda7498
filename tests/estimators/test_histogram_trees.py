"""Pickles of scikit-learn's trees are read with a list of what they may contain."""

from __future__ import annotations

import os
import pickle
from typing import Any

import pytest

from comp.estimators.histogram_trees import HistogramTrees


class Harmful:
    """Runs a command when it is unpickled."""

    def __reduce__(self) -> Any:
        return os.system, ("exit 1",)


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Harmful()),
        b"cnumpy\nload\n(S'x'\ntR.",
        b"\x80\x04\x8c\x0csklearn._loss\x8c\x09loss.nplo\x93.",
        b"",
        b"not a pickle",
    ],
)
def test_another_pickle_is_refused_before_it_runs(content: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        HistogramTrees().load(content)
