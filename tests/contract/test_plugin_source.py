"""The files of a plugin."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from comp.contract.plugin_source import source_files, source_hash_of

MODULE = "competitions.ferns"


def write(folder: Path, files: dict[str, str]) -> Path:
    """The folder `competitions` with these files."""
    for name, text in files.items():
        path = folder / "competitions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "competitions"


@pytest.mark.parametrize(
    ("line", "files"),
    [
        ("import json, numpy", []),
        ("import competitions.helper", ["helper.py"]),
        ("from competitions import helper", ["helper.py"]),
        ("def rows():\n    from competitions.helper import scale", ["helper.py"]),
        ("from .helper import scale", ["helper.py"]),
        ("from . import helper", ["helper.py"]),
        ("from .shared import deep", ["shared/__init__.py", "shared/deep.py", "helper.py"]),
        ("import competitions.shared", ["shared/__init__.py"]),
        ("from competitions.chain import *", ["chain.py", "helper.py"]),
        ("from competitions.wrong import a", ["wrong.py"]),
        ("from competitions.missing import a", []),
        ("from ..helper import a", []),
        ("import helper", []),
    ],
)
def test_imported_modules_beside_a_plugin_are_its_files(
    tmp_path: Path, line: str, files: list[str]
) -> None:
    folder = write(
        tmp_path,
        {
            "ferns.py": line,
            "helper.py": "from competitions import ferns",
            "other.py": "",
            "chain.py": "import competitions.helper",
            "wrong.py": "def (",
            "shared/__init__.py": "",
            "shared/deep.py": "from ..helper import scale",
        },
    )

    found = source_files(MODULE, folder / "ferns.py")

    assert [path.relative_to(folder).as_posix() for path in found] == ["ferns.py", *files]


def test_a_changed_helper_changes_the_hash(tmp_path: Path) -> None:
    folder = write(tmp_path, {"ferns.py": "from .helper import scale", "helper.py": "scale = 1"})
    before = source_hash_of(MODULE, folder / "ferns.py")
    (folder / "helper.py").write_text("scale = 1000")

    assert source_hash_of(MODULE, folder / "ferns.py") != before


def test_a_plugin_that_imports_nothing_beside_it_keeps_its_hash(tmp_path: Path) -> None:
    folder = write(tmp_path, {"ferns.py": "import json", "moss/__init__.py": "", "moss/a.py": "1"})

    one, package = b"ferns.py\0import json", b"__init__.py\0a.py\0" + b"1"
    assert source_hash_of(MODULE, folder / "ferns.py") == hashlib.sha256(one).hexdigest()
    package_file = folder / "moss/__init__.py"
    assert source_hash_of("competitions.moss", package_file) == hashlib.sha256(package).hexdigest()


def test_a_package_is_all_of_its_files_and_what_it_imports_beside_it(tmp_path: Path) -> None:
    files = {"__init__.py": "", "a.py": "from ..helper import b", ".a-copy.py": ""}
    folder = write(tmp_path, {f"moss/{name}": text for name, text in files.items()})
    (folder / "helper.py").write_text("")

    found = source_files("competitions.moss", folder / "moss/__init__.py")

    assert [p.relative_to(folder).as_posix() for p in found] == [
        *("moss/__init__.py", "moss/a.py"),
        "helper.py",
    ]


def test_the_modules_beside_an_installed_module_are_other_programs(tmp_path: Path) -> None:
    folder = write(tmp_path, {"ferns.py": "import helper", "helper.py": ""})

    assert source_files("ferns", folder / "ferns.py") == [folder / "ferns.py"]
