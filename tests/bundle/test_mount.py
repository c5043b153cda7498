import os
from pathlib import Path

import pytest
from rehearsed import toy_bundle, toy_data

from comp.bundle.mount import link, link_folder, make_mount, truncate
from comp.errors import DataError


def test_data_is_linked_and_not_copied(tmp_path: Path) -> None:
    root = toy_data(tmp_path / "data")
    count = link_folder(root, tmp_path / "there", [Path("train.csv")])
    names = {path.relative_to(root) for path in root.rglob("*") if path.is_file()}
    found = [path for path in (tmp_path / "there").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "there") for path in found} == names - {Path("train.csv")}
    assert count == len(found)
    for path in found:
        assert path.samefile(root / path.relative_to(tmp_path / "there"))


def test_a_disk_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_text("a")
    link(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").is_symlink()
    assert (tmp_path / "b").read_text() == "a"


def test_two_images_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    with pytest.raises(DataError, match="two test images"):
        link(tmp_path / "a", tmp_path / "a")


@pytest.mark.parametrize("layout", ["new", "old"])
def test_the_folder_has_the_bundle_and_data_of_others(tmp_path: Path, layout: str) -> None:
    bundle = toy_bundle(tmp_path / "bundle")
    data, linked = make_mount(tmp_path / "input", "slug", bundle, "sample_submission.csv", layout)
    assert (linked / "predict.py").samefile(bundle / "predict.py")
    assert data == tmp_path / "input" / ("competitions/slug" if layout == "new" else "slug")
    assert not data.exists()
    (other,) = (tmp_path / "input").rglob("sample_submission.csv")
    assert len(other.relative_to(tmp_path / "input").parts) > 3


def test_an_image_is_cut_in_the_folder_alone(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(bytes(100))
    link(tmp_path / "a", tmp_path / "b")
    truncate(tmp_path / "b")
    assert (tmp_path / "b").stat().st_size == 50
    assert (tmp_path / "a").stat().st_size == 100
