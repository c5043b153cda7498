"""benchmarks/peers: split, scores, plan and cells, without the compared programs."""

from __future__ import annotations

import csv
import importlib
import os
import re
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from processes import is_alive
from short_limits import in_time

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.sample import Sample

ROOT = Path(__file__).parents[1]


class Modules:
    """The modules of the benchmark, which are no part of the package."""

    def __getattr__(self, name: str) -> ModuleType:
        return importlib.import_module(f"peers.{name}")


@pytest.fixture
def peers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Modules]:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield Modules()
    for name in [name for name in sys.modules if name.split(".")[0] == "peers"]:
        del sys.modules[name]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def write_csv(path: Path, *rows: tuple[object, ...]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return path


@pytest.mark.parametrize("name", ["cats-dogs", "chest-xray", "denoising", "salt"])
def test_split_hides_the_labels_of_the_test_from_all_programs(
    peers: Modules, tmp_path: Path, name: str, drawn: Callable[[Competition], Path]
) -> None:
    competition = registry.get(name)
    data = drawn(competition)
    scene = peers.split.make_scene(name, data, tmp_path)
    rows = rows_of(scene.split)
    train = [row for row in rows if row["part"] == "train"]
    test = [row for row in rows if row["part"] == "test"]
    assert len(train) > len(test) > 0
    assert all(row["target"] for row in train)
    assert not any(row["target"] or row["group"] for row in test)
    assert [row["id"] for row in test] == [row["id"] for row in rows_of(scene.truth)]
    of_comp = {part: competition.samples(scene.data, part) for part in ("train", "test")}
    assert {str(s.image) for s in of_comp["train"]} == {row["image"] for row in train}
    assert {str(s.image) for s in of_comp["test"]} == {row["image"] for row in test}
    assert {s.id for s in of_comp["test"]} == {row["id"] for row in test}
    changed = scene.split.stat().st_mtime_ns
    assert peers.split.make_scene(name, data, tmp_path).key == scene.key
    assert scene.split.stat().st_mtime_ns == changed


def test_no_group_is_on_both_sides(peers: Modules) -> None:
    from comp.data.folds import make_folds

    samples = [
        Sample(id=str(i), image=Path(f"{i}.png"), target=float(i % 2), group=str(i // 4))
        for i in range(80)
    ]
    train, test = peers.split.parts_of(samples, make_folds(samples, 5, "auto", 0))
    assert len(train) + len(test) == 80
    assert {s.group for s in test}
    assert not {s.group for s in train} & {s.group for s in test}


def test_scores_of_classes(peers: Modules, tmp_path: Path) -> None:
    truth = write_csv(tmp_path / "t.csv", ("id", "target"), ("a", 0.0), ("b", 1.0), ("c", "1"))
    rows = [("c", 0.4), ("a", 0.5), ("b", 0.9)]  # in another order
    found = write_csv(tmp_path / "p.csv", ("id", "value"), *rows)
    assert peers.scores.score("chest-xray", truth, found) == {"AUC": 0.5, "accuracy": 2 / 3}
    cats = peers.scores.score("cats-dogs", truth, found)
    assert cats["accuracy"] == 2 / 3
    assert cats["log loss"] == pytest.approx(-np.log([0.5, 0.9, 0.4]).mean())


def test_scores_of_pages_count_every_pixel_once(peers: Modules, tmp_path: Path) -> None:
    truth, found = [("id", "target")], [("id", "file")]
    for name, shape, difference in (("a", (2, 3), 0.5), ("b", (4, 6), 0.0)):
        Image.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / f"{name}.png")
        np.save(tmp_path / f"{name}.npy", np.full(shape, difference, np.float32))
        truth.append((name, str(tmp_path / f"{name}.png")))
        found.append((name, str(tmp_path / f"{name}.npy")))
    files = write_csv(tmp_path / "t.csv", *truth), write_csv(tmp_path / "p.csv", *found)
    assert peers.scores.score("denoising", *files)["RMSE"] == pytest.approx((6 / 30 * 0.25) ** 0.5)
    np.save(tmp_path / "a.npy", np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"a\.npy: shape \(3, 2\), but the target is \(2, 3\)"):
        peers.scores.score("denoising", *files)


def test_scores_of_masks_are_those_of_comp(peers: Modules, tmp_path: Path) -> None:
    truth, found = [("id", "target")], [("id", "file")]
    empty, half = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    half[:, :2] = 1
    more = half.copy()
    more[:, 2] = 1  # IoU 8 / 12: above 0.50, 0.55, 0.60 and 0.65
    pairs = {"a": (empty, empty), "b": (empty, half), "c": (half, half), "d": (half, more)}
    for name, (true, predicted) in pairs.items():
        Image.fromarray(true * 255).save(tmp_path / f"{name}.png")
        np.save(tmp_path / f"{name}.npy", predicted)
        truth.append((name, str(tmp_path / f"{name}.png")))
        found.append((name, str(tmp_path / f"{name}.npy")))
    files = write_csv(tmp_path / "t.csv", *truth), write_csv(tmp_path / "p.csv", *found)
    assert peers.scores.score("salt", *files) == {"mAP of IoU": pytest.approx((1 + 1 + 0.4) / 4)}


def test_scores_need_every_sample(peers: Modules, tmp_path: Path) -> None:
    truth = write_csv(tmp_path / "t.csv", ("id", "target"), ("a", 0), ("b", 1))
    found = write_csv(tmp_path / "p.csv", ("id", "value"), ("a", 0.1))
    with pytest.raises(ValueError, match="1 ids differ, such as b"):
        peers.scores.score("cats-dogs", truth, found)


@pytest.mark.parametrize(
    ("seconds", "epoch", "extra", "expected"),
    [(100, 20, 0, (5, 1)), (100, 20, 1, (4, 1)), (10, 20, 0, (1, 0.5)), (30, 20, 1, (1, 0.75)),
     (-5, 20, 0, (1, 0))],
)  # fmt: skip
def test_as_many_epochs_are_planned_as_fit(
    peers: Modules, seconds: float, epoch: float, extra: float, expected: tuple[int, float]
) -> None:
    assert peers.contract.plan(seconds, epoch, extra) == expected


def test_a_program_over_its_limit_is_killed_with_its_children(
    peers: Modules, tmp_path: Path
) -> None:
    log, child = tmp_path / "log.txt", tmp_path / "child"
    script = f"sleep 600 & echo $! > {child}; echo working; wait"
    limit_s, ended = in_time(
        lambda limit_s: peers.cells.run_within(["sh", "-c", script], limit_s, log, os.environ),
        lambda: peers.cells.last_words(log) == "working",
    )
    assert ended.code is None
    assert ended.seconds < limit_s + 300  # the child would sleep longer
    assert peers.cells.last_words(log) == "working"
    end = time.monotonic() + 300  # the child would sleep longer
    while is_alive(int(child.read_text())):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert peers.cells.run_within(["sh", "-c", "exit 3"], 600, log, os.environ).code == 3


def test_cells_are_kept_and_shown(peers: Modules, tmp_path: Path) -> None:
    file = tmp_path / "cells.jsonl"
    assert peers.cells.read_cells(file) == []
    base = {"competition": "salt", "minutes": 1.0, "split": "abc"}
    good = {"figures": {"mAP of IoU": 0.51234}, "seconds": 58.4, "notes": {"images": 2400}}
    peers.cells.add_cell(file, base | {"program": "comp", "why": "not finished"})
    peers.cells.add_cell(file, base | {"program": "comp"} | good)
    peers.cells.add_cell(file, base | {"program": "autogluon", "why": "not run: no weights"})
    with file.open("a") as stream:
        stream.write('{"program": "fas')  # a kill in the middle of a line
    cells = peers.cells.read_cells(file)
    assert len(cells) == 3
    assert peers.cells.find(cells, program="comp", split="abc")["seconds"] == 58.4
    assert peers.cells.find(cells, program="comp", split="other") is None
    table = peers.tables.markdown(cells, ["salt"], ["comp", "fastai", "autogluon"])
    assert "## salt: mAP of IoU (seconds, images seen)" in table
    assert "| 1 | 0.5123 (58 s, 2,400) |  | not run: no weights |" in table


def test_programs_have_their_own_threads_and_no_hub(
    peers: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    environment = peers.cells.environment_of(None)
    assert "OMP_NUM_THREADS" not in environment
    assert environment["HF_HUB_OFFLINE"] == "1"
    assert peers.cells.environment_of(2)["OMP_NUM_THREADS"] == "2"


def test_every_program_names_the_page_of_its_recipe(peers: Modules) -> None:
    folder = ROOT / "benchmarks" / "peers"
    for name in ("fastai", "lightning", "autogluon"):
        head = (folder / f"{name}_peer.py").read_text(encoding="utf-8").split('"""')[1]
        assert re.search(r"https://\S+", head), name
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extra = {re.split(r"[<>=]", line)[0] for line in project["optional-dependencies"]["peers"]}
    assert {"fastai", "lightning", "timm"} <= extra
    assert "\nautogluon.multimodal>=" in (folder / "autogluon.txt").read_text(encoding="utf-8")
