"""Packs comp itself as a wheel, from its installed files, and the files of a plugin."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import shutil
import sys
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import comp
from comp import __version__
from comp.contract.plugin_source import source_files
from comp.errors import RunError
from comp.files import make_folder

_TIME = (1980, 1, 1, 0, 0, 0)
"""The time of all files, so that the wheel of the same files is the same."""
_PACKAGES = ("comp", "competitions")


def pack_comp(folder: Path) -> Path:
    """Write the wheel of comp, with the competitions that it ships."""
    root = Path(comp.__file__).parent.parent
    make_folder(folder, parents=True)
    path = folder / f"comp-{__version__}-py3-none-any.whl"
    info = f"comp-{__version__}.dist-info"
    metadata = distribution("comp").read_text("METADATA") or (
        f"Metadata-Version: 2.1\nName: comp\nVersion: {__version__}\n"
    )
    contents = {
        file.relative_to(root).as_posix(): file.read_bytes()
        for package in _PACKAGES
        for file in sorted((root / package).rglob("*"))
        if file.is_file() and _is_shipped(file)
    }
    head = metadata.partition("\n\n")[0] + "\n"  # README is not needed there
    contents[f"{info}/METADATA"] = head.encode()
    contents[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: comp\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD").encode()
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            entry = ZipInfo(name, _TIME)
            entry.external_attr = 0o644 << 16
            entry.compress_type = ZIP_DEFLATED
            archive.writestr(entry, data)
    return path


def _is_shipped(file: Path) -> bool:
    """Whether a file is part of the package, not left by Python or an editor."""
    return "__pycache__" not in file.parts and not file.name.startswith(".")


def _record(contents: dict[str, bytes], own: str) -> str:
    """The list of files and hashes that a wheel has."""
    lines = []
    for name, data in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(data)}")
    return "\n".join([*lines, f"{own},,"]) + "\n"


def pack_plugin(module: str, folder: Path) -> list[str]:
    """Copy the source of a plugin that comp does not ship, with the modules beside it that it
    imports; returns their names.

    Raises:
        RunError: its source cannot be found.
    """
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise RunError(f"the source of {module} cannot be found, so a bundle cannot take it along")
    source = Path(spec.origin).resolve()
    shipped = Path(comp.__file__).resolve().parent.parent / "competitions"
    if source.is_relative_to(shipped):
        return []
    package = source.name == "__init__.py"
    parent = source.parent.parent if package else source.parent
    above = len(module.split(".")) - 1
    top = parent if not above else parent.parents[above - 1]
    names = []
    for file in source_files(module, source):
        name = file.resolve().relative_to(top).as_posix()
        make_folder((folder / name).parent, parents=True)
        shutil.copyfile(file, folder / name)
        names.append(name)
    for path in _packages_above(names, top):
        if path.is_file() and not (folder / path.relative_to(top)).exists():
            shutil.copyfile(path, folder / path.relative_to(top))
    sys.path_importer_cache.clear()
    return names


def _packages_above(names: list[str], top: Path) -> list[Path]:
    """The `__init__.py` of the packages that files are in."""
    found = {parent for name in names for parent in Path(name).parents if parent.name}
    return sorted(top / parent / "__init__.py" for parent in found)
