"""Folders that a node fetches: listed, cut into pieces, and checked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from comp.engines import node_files
from comp.engines.node_files import (
    fetch,
    fetched,
    from_uri,
    is_here,
    pieces,
    read_tree,
    write_pieces,
)
from comp.errors import DataError


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Data with an empty file, a file of several pieces, and a link to a folder."""
    monkeypatch.setenv("COMP_NODE_CACHE", str(tmp_path / "node"))
    monkeypatch.setattr(node_files, "PIECE", 10)
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "c.txt").write_text("c")
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "b.bin").write_bytes(bytes(range(33)))
    (folder / "a.csv").write_text("")
    (folder / "linked").symlink_to(elsewhere)
    (folder / "loop").symlink_to(folder)
    (folder / ".hidden").write_text("no")
    os.utime(folder / "images" / "b.bin", ns=(1, 1234567890123456789))
    return folder


def test_a_tree_comes_in_pieces_and_once(data: Path) -> None:
    tree = read_tree(data)
    assert sorted(tree.files) == ["a.csv", "images/b.bin", "linked/c.txt"]
    parts = list(pieces(tree))
    assert max(sum(len(part) for _, part in piece) for piece in parts) <= 10
    copy = fetch(tree, write_pieces(parts))
    assert read_tree(copy).files == tree.files  # with the times of change
    assert (copy / "images" / "b.bin").read_bytes() == bytes(range(33))
    assert fetch(tree, write_pieces([])) == fetched(tree) == copy


def test_a_tree_is_here_while_its_files_are_the_same(data: Path) -> None:
    tree, image = read_tree(data), data / "images" / "b.bin"
    assert is_here(tree)
    image.write_bytes(bytes(33))
    assert not is_here(tree)
    shutil.rmtree(data)
    assert not is_here(tree)


def test_a_single_file(data: Path) -> None:
    tree = read_tree(data / "images" / "b.bin")
    copy = fetch(tree, write_pieces(pieces(tree)))
    assert (copy.name, copy.read_bytes()) == ("b.bin", bytes(range(33)))


def test_data_that_changes_while_it_is_sent_is_refused(data: Path) -> None:
    tree = read_tree(data)
    parts = list(pieces(tree))[:-1]
    with pytest.raises(DataError, match=r"images/b.bin differs \(2 of 3 files\)"):
        fetch(tree, write_pieces(parts))
    assert fetched(tree) is None


@pytest.mark.parametrize("packed", [True, False])
def test_a_uri_of_the_same_data(data: Path, tmp_path: Path, packed: bool) -> None:
    tree = read_tree(data, sums=True)
    plain = shutil.copytree(data, tmp_path / "plain" / "in", ignore=lambda *_: ["loop"])
    uri = f"file://{tmp_path / 'plain'}"
    if packed:
        uri = "file://" + shutil.make_archive(str(tmp_path / "a"), "zip", plain.parent)
    copy = fetch(tree, from_uri(tree, uri))
    assert read_tree(copy).files == tree.files


def test_a_uri_of_other_data(data: Path, tmp_path: Path) -> None:
    tree = read_tree(data / "images", sums=True)
    other = tmp_path / "other"
    other.mkdir()
    with pytest.raises(DataError, match=r"does not contain the files of .*, such as b.bin: give"):
        fetch(tree, from_uri(tree, f"file://{other}"))
    (other / "b.bin").write_bytes(bytes(33))  # of the same size
    with pytest.raises(DataError, match=r"^a node fetched other data: "):
        fetch(tree, from_uri(tree, f"file://{other}"))
    with pytest.raises(DataError, match=r"^a node cannot fetch nowhere://a.zip \("):
        fetch(tree, from_uri(tree, "nowhere://a.zip"))
