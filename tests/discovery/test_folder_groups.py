"""Groups that are the folders of images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from comp.discovery.folder_groups import OF_FOLDER, folder_groups
from comp.discovery.look import look
from comp.discovery.plugin_file import competition_of
from comp.discovery.plugin_text import plugin_text
from comp.workspace import Workspace
from tests.fakes.layouts import TEST, csv, images


def class_folders(root: Path) -> None:
    """A folder for each patient in those of the classes."""
    for label, count in (("covid", 12), ("normal", 9)):
        for i in range(count):
            images(root / "train" / label / f"Patient ({i})", [f"IM{k}" for k in range(4)])
    images(root / "test", TEST)
    csv(root / "sample_submission.csv", "id,covid", [[n, 0.5] for n in TEST])


def frames(root: Path) -> None:
    """Frames of videos, whose folder is in the ids."""
    names = [f"video_{i}/frame_{k}" for i in range(12) for k in range(4)]
    images(root / "train", names)
    images(root / "test", TEST)
    rows = [[f"{n}.png", int(i // 4 % 2)] for i, n in enumerate(names)]
    csv(root / "train.csv", "id,label", rows)
    csv(root / "sample_submission.csv", "id,label", [[f"{n}.png", 0.5] for n in TEST])


@pytest.mark.parametrize(("draw", "count"), [(class_folders, 12), (frames, 12)])
def test_folders_of_patients_and_videos_are_groups(
    tmp_path: Path, draw: Callable[[Path], None], count: int
) -> None:
    """Images of one folder trained and were held out at once."""
    root = tmp_path / "data"
    draw(root)
    found = look(root, workspace=Workspace.at(tmp_path))
    assert found.known
    competition = competition_of(plugin_text(found, name="new", title="New", kaggle=""))
    samples = competition.samples(root, "train")
    assert len({s.group for s in samples}) == count
    assert all(s.group == s.image_file.parent.name for s in samples)
    assert {s.group for s in competition.samples(root, "test")} == {None}


def test_folders_that_hold_whole_classes_are_no_groups() -> None:
    paths = [f"chain{i % 20}/{i}.jpg" for i in range(200)]
    hotels = [f"hotel{i % 40}" for i in range(200)]
    assert folder_groups(paths, hotels) == (None, None)
    assert folder_groups(paths, [f"{i // 20}" for i in range(200)])[0] == OF_FOLDER
    assert folder_groups([f"{i % 4}/{i}.jpg" for i in range(200)]) == (None, None)
    assert folder_groups([f"{i}/a.jpg" for i in range(200)]) == (None, None)
    assert folder_groups([f"{max(0, i - 150)}/{i}.jpg" for i in range(200)]) == (None, None)
    assert folder_groups([f"part{i % 20}/x.jpg" if i else "x.jpg" for i in range(200)])[0] is None
