"""comp as a wheel, and the files of a plugin."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from comp import __version__
from comp.bundle.wheels.pack import pack_comp, pack_plugin


def test_the_wheel_of_comp_can_be_imported_and_is_the_same_again(tmp_path: Path) -> None:
    wheel = pack_comp(tmp_path / "a")
    assert wheel.read_bytes() == pack_comp(tmp_path / "b").read_bytes()
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "installed")
    assert {"comp/api.py", "competitions/housing.py", "comp/page/templates/page.js"} <= set(names)
    assert [name for name in names if "__pycache__" in name] == []
    code = "import comp, competitions.housing; print(comp.__file__, comp.__version__)"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, 'installed'); {code}"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    assert "installed" in done.stdout
    assert done.stdout.split()[1] == __version__


def test_a_plugin_of_the_user_with_the_modules_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "competitions"
    (folder / "ferns").mkdir(parents=True)
    (folder / "ferns" / "__init__.py").write_text("from competitions import _shared\n")
    (folder / "ferns" / "rows.py").write_text("")
    (folder / "_shared.py").write_text("")
    (folder / "other.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    names = pack_plugin("competitions.ferns", tmp_path / "code")
    found = {p.relative_to(tmp_path / "code").as_posix() for p in (tmp_path / "code").rglob("*.py")}
    assert found == set(names)
    assert found == {
        "competitions/ferns/__init__.py",
        "competitions/ferns/rows.py",
        "competitions/_shared.py",
    }


def test_a_competition_of_comp_is_in_its_wheel(tmp_path: Path) -> None:
    assert pack_plugin("competitions.denoising", tmp_path / "code") == []
    assert not (tmp_path / "code").exists()
