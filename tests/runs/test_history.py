"""history.jsonl as a curve."""

from __future__ import annotations

import math
from pathlib import Path

from comp.runs.history import History, read_history


def test_damaged_lines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "history.jsonl").write_bytes(
        b'{"step": 1, "score": 0.5, "loss": 1.0}\n'
        b"[]\n\xff\xfe\n"
        b'{"step": 2, "score": null, "loss": 1.0}\n'
        b'{"step": 3, "score": 0.25, "loss": null}\n'
        b'{"step": 4, "score": 0.2, "lo'
    )
    history = read_history(tmp_path)
    assert (history.steps, history.scores) == ((1, 3), (0.5, 0.25))
    assert history.losses[0] == 1.0
    assert math.isnan(history.losses[1])


def test_no_file_is_no_curve(tmp_path: Path) -> None:
    assert read_history(tmp_path) == read_history(tmp_path / "none") == History()


def test_the_best_step_follows_the_direction() -> None:
    history = History(steps=(1, 2, 3), scores=(0.5, math.nan, 0.25), losses=(1.0, 1.0, 1.0))
    assert history.best("min") == (0.25, 3)
    assert history.best("max") == (0.5, 1)
    assert History().best("max") is None
