"""Runs of these tests leave out what most of them do not look at."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

from comp.runs import folder

DRIFT = {"test_drift", "test_embedding_drift"}
"""Modules whose tests look at the comparison of train and test."""
commit = cache(folder._git_commit)


@pytest.fixture(scope="module", autouse=True)
def light_runs(request: pytest.FixtureRequest) -> Iterator[None]:
    """Runs do not compare train and test, which takes a second for a table, and ask Git once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder, "_git_commit", commit)
        if request.module.__name__.rpartition(".")[2] not in DRIFT:
            patch.setattr("comp.pipeline.run.note_drift", lambda *_: None)
        yield
