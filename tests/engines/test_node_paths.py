"""Paths of the machine of a run, as those of a node."""

from __future__ import annotations

from pathlib import Path

from comp.config.schema import resolve
from comp.engines.node_paths import Moves, paths_in, paths_in_json
from comp.files import read_json, write_json

MOVES = Moves({"/here/data": "/node/data", "/here/w.pt": "/node/w.pt"})


def test_paths_in_arguments_move() -> None:
    config = resolve("digits", [{"weights": "/here/w.pt"}])
    moved = MOVES.value((config, 3, Path("/here/data/a.png"), [Path("/here/database")], None))
    assert moved[0].weights == Path("/node/w.pt")
    assert moved[0].model_copy(update={"weights": config.weights}) == config
    assert moved[1:] == (3, Path("/node/data/a.png"), [Path("/here/database")], None)
    assert set(paths_in([config, Path("/a"), {"b": Path("/b")}])) == {
        *(Path("/here/w.pt"), Path("/a"), Path("/b"))
    }
    assert Moves().value(config) is config


def test_paths_in_the_files_of_the_reader_move(tmp_path: Path) -> None:
    before = {"cache": "/here/data/c", "skipped": {"/here/data/x.png": "damaged"}, "n": [1, None]}
    write_json(tmp_path / "images.json", before)
    MOVES.rewrite(tmp_path)
    assert read_json(tmp_path / "images.json") == {
        "cache": "/node/data/c",
        "skipped": {"/node/data/x.png": "damaged"},
        "n": [1, None],
    }
    assert list(paths_in_json({"a": [str(tmp_path), "/no/such/path"], "b": "text"})) == [tmp_path]
