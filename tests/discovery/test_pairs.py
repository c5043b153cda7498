"""Images that become images, by their folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.discovery.look import look
from comp.discovery.plugin_file import competition_of
from comp.discovery.plugin_text import plugin_text
from comp.workspace import Workspace
from tests.fakes.layouts import SIDE, csv, image


@pytest.mark.parametrize(("form", "groups"), [("patient{0}_{1}", 12), ("{2}", 48)])
def test_slices_of_a_patient_are_one_group(tmp_path: Path, form: str, groups: int) -> None:
    """They have different targets, and were in several folds."""
    root = tmp_path / "data"
    for i in range(48):
        name = form.format(i // 4, i % 4, i)
        image(root / "train" / f"{name}.png", i, (SIDE, SIDE))
        image(root / "train_cleaned" / f"{name}.png", i + 50, (SIDE, SIDE))
    image(root / "test" / "900.png", 900, (SIDE, SIDE))
    rows = [[f"900_{r + 1}_{c + 1}", 1] for r in range(SIDE) for c in range(SIDE)]
    csv(root / "sample_submission.csv", "id,value", rows)
    found = look(root, workspace=Workspace.at(tmp_path))
    assert (found.known, found.form) == (True, "pairs")
    said = [finding.what for finding in found.findings if "group" in finding.what]
    assert len(said) == (groups == 12)
    competition = competition_of(plugin_text(found, name="new", title="New", kaggle=""))
    samples = competition.samples(root, "train")
    assert len({sample.group for sample in samples}) == groups
    if groups == 12:
        assert {sample.group for sample in samples} == {f"patient{i}" for i in range(12)}
