"""Wheels of an index, here a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.bundle.wheels.download import check_python, download_wheels
from comp.bundle.wheels.pack import pack_comp
from comp.errors import ConfigError, RunError


@pytest.fixture(autouse=True)
def no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_wheel_is_downloaded_or_the_reason_is_told(no_index: Path, tmp_path: Path) -> None:
    wheel = pack_comp(no_index)
    name, version, *_ = wheel.name.split("-")
    download_wheels([f"{name}=={version}"], "3.12", tmp_path / "wheels")
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == [wheel.name]
    with pytest.raises(RunError, match=r"missing-library==1 for Python 3.12 \(.*No matching"):
        download_wheels(["missing-library==1"], "3.12", tmp_path / "wheels")


def test_nothing_to_download_needs_no_index(tmp_path: Path) -> None:
    download_wheels([], "3.12", tmp_path / "wheels")
    assert list((tmp_path / "wheels").iterdir()) == []


@pytest.mark.parametrize("text", ["3", "2.7", "3.11.4", "latest", ""])
def test_a_version_of_python(text: str) -> None:
    assert check_python("3.12") == "3.12"
    with pytest.raises(ConfigError, match="use one like"):
        check_python(text)
