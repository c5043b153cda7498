"""Two runs side by side: the verdict, the panels, and pairs that cannot be compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from oof_runs import OofRuns
from toys import values

from comp.contract.metrics import ACCURACY, AUC, RMSE
from comp.contract.sample import Sample
from comp.errors import RunError
from comp.page.blocks import Gallery, Panel, Paragraph, Table
from comp.page.document import render
from comp.review.pair.both import Both
from comp.review.pair.page import both_of, lead, pair_page
from comp.review.pair.write import write_pair

N = 60
IDS = [f"s{row}" for row in range(N)]
FOLDS = {name: row % 3 for row, name in enumerate(IDS)}
Make = Callable[..., OofRuns]


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comp.pipeline.compare.DRAWS", 60)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Make:
    """(targets, predictions of both runs, fields of the competition) -> the runs a1 and b1."""

    def made(targets: Sequence[Any], first: Any, second: Any, **fields: Any) -> OofRuns:
        samples = [Sample(id=i, target=t) for i, t in zip(IDS, targets, strict=True)]
        runs = OofRuns(tmp_path, monkeypatch, samples, **fields)
        for number, (name, predictions) in enumerate((("a1", first), ("b1", second))):
            found = dict(zip(IDS, predictions, strict=True))
            config = {"folds": 3, "optim": {"lr": 0.01 * (number + 1)}}
            runs.write(name, found, FOLDS, fit=False, config=config)
        return runs

    return made


def classes() -> tuple[list[float], np.ndarray, np.ndarray]:
    """Three classes; A is right, B is wrong for s0 to s9, and A for s50."""
    targets = [float(row % 3) for row in range(N)]
    first = 0.1 + 0.7 * np.eye(3)[np.array(targets, int)]
    second = first.copy()
    second[:10] = np.roll(second[:10], 1, axis=1)
    second[3] = [0.02, 0.96, 0.02] if targets[3] != 1 else [0.96, 0.02, 0.02]
    first[50] = np.roll(first[50], 1)
    return targets, first, second


def both(runs: OofRuns) -> Both:
    return both_of("a1", "b1", runs.workspace)


def panels(runs: OofRuns) -> dict[str, Panel]:
    return {panel.id: panel for panel in pair_page(both(runs)).panels}


def galleries(panel: Panel) -> list[Gallery]:
    return [block for block in panel.blocks if isinstance(block, Gallery)]


def test_a_better_run(make: Make) -> None:
    runs = make(*classes(), classes=("a", "b", "c"), metric=ACCURACY)
    assert str(lead(both(runs))).startswith(
        "A (a1) is better: accuracy is 0.98333 (A) and 0.83333 "
    )
    page = panels(runs)
    assert list(page) == ["scores", "samples", "configuration"]
    folds, outputs = (b for b in page["scores"].blocks if isinstance(b, Table))
    assert [row[:2] for row in folds.rows] == [["0", 20], ["1", 20], ["2", 20]]
    assert [row[0] for row in outputs.rows] == ["a", "b", "c"]
    assert str(outputs.caption) == "share of right decisions"


def test_the_samples_that_only_one_run_decides_right(make: Make) -> None:
    page = panels(make(*classes(), classes=("a", "b", "c"), metric=ACCURACY))["samples"]
    only_a, only_b = galleries(page)
    assert {card.id for card in only_a.cards} == {f"s{row}" for row in range(10)}
    assert only_a.cards[0].id == "s3"  # whose probabilities differ most
    assert [str(line) for line in only_a.cards[0].lines] == ["true: a", "A: a (80%)", "B: b (96%)"]
    assert [card.id for card in only_b.cards] == ["s50"]
    assert only_b.cards[0].tags == {"fold": "2", "class": "c"}


def test_many_samples_are_cut_and_counted(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("comp.review.pair.changes.MOST_CARDS", 4)
    page = panels(make(*classes(), classes=("a", "b", "c"), metric=ACCURACY))["samples"]
    only_a, _ = galleries(page)
    assert len(only_a.cards) == 4
    assert str(only_a.title) == "Right in A, wrong in B, the 4 of 10 that differ most"


def test_the_keys_that_differ(make: Make) -> None:
    table = panels(make(*classes(), classes=("a", "b", "c"), metric=ACCURACY))["configuration"]
    (block,) = table.blocks
    assert isinstance(block, Table)
    assert [list(row) for row in block.rows] == [["optim.lr", "0.01", "0.02"]]


def test_numbers_show_the_largest_changes(make: Make) -> None:
    targets = np.linspace(0, 1, N)
    first, second = targets + 0.1, targets + 0.2
    second[7] = np.float32(9)
    runs = make(targets.tolist(), first, second, task=values(), metric=RMSE)
    (gallery,) = galleries(panels(runs)["samples"])
    assert gallery.cards[0].id == "s7"
    assert str(gallery.cards[0].lines[0]) == "A: 0.1"


def test_equal_runs_have_no_samples_to_show(make: Make) -> None:
    targets, first, _ = classes()
    runs = make(targets, first, first, classes=("a", "b", "c"), metric=ACCURACY)
    assert str(lead(both(runs))).startswith("No difference: the 60 samples have the same accuracy")
    assert not galleries(panels(runs)["samples"])


def test_a_prediction_that_is_not_a_number(make: Make) -> None:
    """The metric says that it is not defined; the page is not written."""
    targets = [float(row % 2) for row in range(N)]
    first = np.linspace(0.1, 0.9, N)
    second = first.copy()
    second[4] = np.nan
    runs = make(targets, first, second, classes=("no", "yes"), metric=AUC)
    with pytest.raises(RunError, match="not defined on the 60 common samples"):
        both(runs)


def test_runs_without_common_samples_are_refused(make: Make) -> None:
    targets, first, second = classes()
    runs = make(targets, first, second, classes=("a", "b", "c"), metric=ACCURACY)
    for name, rows in (("c1", range(30)), ("d1", range(30, N))):
        folds = {i: FOLDS[i] if row in rows else -1 for row, i in enumerate(IDS)}
        runs.write(name, {IDS[row]: first[row] for row in rows}, folds, fit=False)
    with pytest.raises(RunError, match="share 0 samples"):
        both_of("c1", "d1", runs.workspace)


def test_a_run_that_is_not_finished_is_compared_so_far(make: Make) -> None:
    targets, first, second = classes()
    runs = make(targets, first, second, classes=("a", "b", "c"), metric=ACCURACY)
    runs.write("c1", dict(zip(IDS, second, strict=True)), FOLDS, finished=False)
    page = pair_page(both_of("a1", "c1", runs.workspace))
    notes = [str(b.text) for b in page.panels[0].blocks if isinstance(b, Paragraph)]
    assert "c1 is not finished" in notes


@pytest.mark.parametrize("language", ["en", "ko"])
def test_the_file(make: Make, language: Any) -> None:
    runs = make(*classes(), classes=("a", "b", "c"), metric=ACCURACY)
    path = write_pair("a1", "b1", runs.workspace, language=language)
    assert path == runs.workspace.runs("toy") / "compare-a1-b1.html"
    assert path.stat().st_size < 100_000
    assert render(pair_page(both(runs)), language) == path.read_text(encoding="utf-8")
