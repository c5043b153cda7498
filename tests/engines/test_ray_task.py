"""How a node gets what a task reads. Nothing of Ray starts here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from comp.engines.node_files import Tree, fetch, pieces, read_tree, write_pieces
from comp.engines.ray_task import Order, _places
from comp.errors import DataError


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tree:
    """A folder of data, with the SHA-256 of its files."""
    monkeypatch.setenv("COMP_NODE_CACHE", str(tmp_path / "node"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a")
    return read_tree(tmp_path / "data", sums=True)


def order(data: str) -> Order:
    return Order(number=1, task=b"", versions={}, data=data)


def test_data_on_the_disk_of_the_node_is_read_there(tree: Tree) -> None:
    assert _places(order(""), [tree]) == _places(order("path"), [tree]) == ({}, [])
    plain = read_tree(tree.path)
    assert _places(order("copy"), [plain]) == ({}, [plain.key])


def test_data_that_a_node_does_not_see(tree: Tree, tmp_path: Path) -> None:
    elsewhere = shutil.move(tree.path, tmp_path / "elsewhere")
    plain = Tree(path=tree.path, files=tree.files)
    assert _places(order(""), [plain]) == ({}, [plain.key])
    with pytest.raises(DataError, match=r"^node .* does not see the files of .*data: mount the "):
        _places(order("path"), [plain])
    places, lacking = _places(order(f"file://{elsewhere}"), [tree])
    assert (lacking, list(places)) == ([], [str(tree.path)])
    assert (Path(places[str(tree.path)]) / "a.txt").read_text() == "a"


def test_what_a_node_has_fetched_is_not_sent_again(tree: Tree) -> None:
    plain = read_tree(tree.path)
    copy = fetch(plain, write_pieces(pieces(plain)))
    assert _places(order("copy"), [plain]) == ({str(tree.path): str(copy)}, [])
