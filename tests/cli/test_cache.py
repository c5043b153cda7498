"""`comp cache`: what decoded images take, and away with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from comp.cli.app import build_app
from comp.contract.competition import ImageSpec
from comp.contract.sample import Sample
from comp.data.images.cache import build_cache
from comp.data.images.page_cache import build_pages
from comp.data.images.pairs import PairReader
from comp.workspace import Workspace

SIZE = 3 * 12 * 12


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the caches of a workspace, with one cache of three grey images."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xrays").mkdir()
    samples = []
    for i in range(3):
        path = tmp_path / "xrays" / f"{i}.png"
        Image.new("L", (20, 20), i).save(path)
        samples.append(Sample(id=str(i), image=path))
    spec = ImageSpec(size=12, policy="letterbox", channels=1)
    caches = Workspace.at(tmp_path).images
    assert build_cache(samples, spec, caches, limit_bytes=10**6).cache
    return caches


def comp_cache(*args: str) -> str:
    done = CliRunner().invoke(build_app(), ["cache", *args])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_list_tells_where_the_images_are_from_their_shape_size_and_last_use(folder: Path):
    (used,) = folder.glob("*/used")
    os.utime(used, (1_700_000_000, 1_700_000_000))

    line, total = comp_cache().splitlines()

    assert line.startswith(str(folder.parents[2] / "xrays"))
    assert "  3 images  12 x 12 x 1, letterbox  0.0 MB  used 2023-11-1" in line
    assert total == f"1 in {folder.parent}, 0.0 MB in total"


def test_the_height_of_images_that_are_not_square_is_listed_first(folder: Path):
    samples = [Sample(id="0", image=folder.parents[2] / "xrays" / "0.png")]
    build_cache(samples, ImageSpec(size=(12, 30), channels=1), folder, limit_bytes=10**6)

    assert "  1 images  12 x 30 x 1, squash  0.0 MB" in comp_cache()


def test_list_as_json(folder: Path):
    found = json.loads(comp_cache("--json"))

    assert (found["folder"], found["bytes"], found["freed"]) == (str(folder), SIZE, 0)
    (row,) = found["caches"]
    assert (row["images"], row["bytes"], row["shape"]["policy"]) == (3, SIZE, "letterbox")


def test_clear_removes_the_caches_and_says_how_much_that_was(folder: Path):
    text = comp_cache("--clear")

    assert text == f"0.0 MB removed from {folder.parent}\n"
    assert list(folder.iterdir()) == []
    assert comp_cache() == f"no caches in {folder.parent}\n"


def test_clear_as_json(folder: Path):
    assert json.loads(comp_cache("--clear", "--json"))["freed"] > SIZE
    assert json.loads(comp_cache("--json"))["caches"] == []


def test_clear_removes_what_a_killed_command_was_unpacking(folder: Path):
    dead, alive = (folder.parent / f".data-{i}.0123abcd.part" for i in range(2))
    for part, size in ((dead, 3_000_000), (alive, 10)):
        (part / "train").mkdir(parents=True)
        (part / "train" / "0.png").write_bytes(bytes(size))
    for path in (dead / "train" / "0.png", dead / "train", dead):
        os.utime(path, (1_700_000_000, 1_700_000_000))

    assert comp_cache("--clear") == f"3.0 MB removed from {folder.parent}\n"
    assert not dead.exists()
    assert (alive / "train" / "0.png").exists()


def test_a_workspace_without_caches_stays_as_it_is(tmp_path: Path):
    command = [sys.executable, "-m", "comp", "cache"]
    for more in ([], ["--clear"]):
        done = subprocess.run(
            [*command, *more], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_jpegs_and_whole_images_are_listed_as_such(folder: Path) -> None:
    source = folder.parents[2] / "xrays"
    samples = [Sample(id=str(i), image=source / f"{i}.png") for i in range(2)]
    build_cache(samples, ImageSpec(size=12, stored="jpeg"), folder, limit_bytes=10**6)
    build_pages(samples, PairReader(1), folder, limit_bytes=10**6)

    listed = comp_cache()

    assert "  2 images  12 x 12 x 3, squash, JPEG  0.0 MB" in listed
    assert "  2 images  whole images and masks  0.0 MB" in listed
