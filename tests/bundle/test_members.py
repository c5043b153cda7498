"""The trainings that predict together, and their weights."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from bundled import Bundled, bundled

from comp.bundle.members import members_of, trainings_of
from comp.errors import RunError
from comp.files import read_json, write_json
from comp.runs.folder import RunFolder
from comp.workspace import Workspace

__all__ = ["bundled"]


@pytest.fixture
def blend(
    bundled: Callable[[str], Bundled], tmp_path: Path
) -> Callable[[str, list[float | None]], RunFolder]:
    """Writes a blend of copies of one run, by a method and weights."""
    known = bundled("photos")
    runs = tmp_path / "runs" / "cats-dogs"

    def make(method: str, weights: list[float | None]) -> RunFolder:
        record = read_json(known.run / "run.json")
        listed = [{"run_id": f"member-{i}", "weight": w} for i, w in enumerate(weights)]
        for one in listed:
            shutil.copytree(known.run, runs / str(one["run_id"]))
        (runs / "blend").mkdir()
        blended = record | {"blend": {"method": method, "runs": listed}}
        write_json(runs / "blend" / "run.json", blended)
        return RunFolder(runs / "blend")

    return make


def test_one_run(bundled: Callable[[str], Bundled]) -> None:
    known = bundled("photos")
    (member,) = members_of(RunFolder(known.run), known.workspace)
    assert (member.folds, member.full, member.unfinished) == ([0, 1], False, [])
    found = trainings_of([member])
    assert [(t.fold, t.weights, t.weight) for t in found] == [
        ("fold-0", "weights/fold-0.safetensors", 0.5),
        ("fold-1", "weights/fold-1.safetensors", 0.5),
    ]


def test_seeds_and_the_full_model(bundled: Callable[[str], Bundled]) -> None:
    known = bundled("photos")
    (member,) = members_of(RunFolder(known.run), known.workspace)
    config = member.config.model_copy(update={"seeds": 2, "full": 2})
    found = trainings_of([replace(member, config=config, full=True)])
    assert [t.fold for t in found] == ["fold-0"] * 2 + ["fold-1"] * 2 + ["full"] * 2
    assert [t.weight for t in found] == [0.25] * 4 + [0.5] * 2
    assert found[1].weights == "weights/fold-0-seed-1.safetensors"
    assert found[1].folder.name == "seed-1"


def test_a_blend_with_weights(
    blend: Callable[[str, list[float | None]], RunFolder], tmp_path: Path
) -> None:
    members = members_of(blend("weights", [0.75, 0.0, 0.25]), Workspace.at(tmp_path))
    assert [(m.run.run_id, m.weight) for m in members] == [("member-0", 0.75), ("member-2", 0.25)]
    found = trainings_of(members)
    assert sum(t.weight for t in found) == pytest.approx(1)
    assert len({t.weights for t in found}) == 4
    assert found[0].fold == "member-0-fold-0"


@pytest.mark.parametrize(
    ("method", "weight", "words"),
    [("rank", 0.5, "--method weights"), ("logistic", None, "--wheels")],
)
def test_other_blends(
    blend: Callable[[str, list[float | None]], RunFolder],
    tmp_path: Path,
    method: str,
    weight: float | None,
    words: str,
) -> None:
    with pytest.raises(RunError, match=words):
        members_of(blend(method, [weight, weight]), Workspace.at(tmp_path))
