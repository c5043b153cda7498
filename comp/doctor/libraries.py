"""Checks of Python and of the libraries that comp stands on."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from importlib.util import find_spec

from comp.doctor.check import Check
from comp.doctor.probe import ProbeFacts
from comp.runs.folder import environment

OPENCV = (
    "opencv-python-headless",
    "opencv-python",
    "opencv-contrib-python-headless",
    "opencv-contrib-python",
)
"""Distributions that all bring the same package, cv2."""
PAIR = (
    "install both anew from one index: pip install --force-reinstall torch torchvision, with "
    "--index-url https://download.pytorch.org/whl/cpu where there is no GPU"
)


def python() -> Check:
    """Whether this Python is one that comp is made for."""
    from packaging.specifiers import SpecifierSet

    found = environment()
    words = f"{found['python']} on {found['platform']}, comp {found['comp']}"
    wanted = _installed("comp") and metadata("comp")["Requires-Python"]
    if wanted and not SpecifierSet(wanted).contains(found["python"], prereleases=True):
        return Check("Python", "problem", words, f"use Python {wanted}")
    return Check("Python", "ok", f"{words}, {sys.executable}")


def packages() -> Check:
    """Whether every package is there in a release that comp is made for."""
    from packaging.requirements import Requirement

    if not _installed("comp"):
        return Check("packages", "note", "comp is not installed", "pip install -e .")
    wanted = [Requirement(text) for text in requires("comp") or ()]
    wanted = [one for one in wanted if not one.marker or one.marker.evaluate({"extra": ""})]
    amiss, remedies = [], []
    for one in wanted:
        there = _installed(one.name)
        if not there or not one.specifier.contains(there, prereleases=True):
            amiss.append(f"{one.name} {there or 'is missing'} (needs {one.specifier})")
            remedies.append(f"'{one.name}{one.specifier}'")
    if amiss:
        return Check("packages", "problem", ", ".join(amiss), f"pip install {' '.join(remedies)}")
    known = environment()["packages"]
    names = ", ".join(f"{name} {number}" for name, number in known.items() if number)
    return Check("packages", "ok", f"all {len(wanted)} fit: {names}")


def torch(facts: ProbeFacts) -> Check:
    """Whether torch can be imported, and what it was built for."""
    found = facts["torch"]
    if "error" in found:
        words = f"cannot be imported ({found['error']})"
        return Check("torch", "problem", words, "pip install --force-reinstall torch torchvision")
    return Check("torch", "ok", f"{found['version']}, built for {_built(found)}")


def torchvision(facts: ProbeFacts) -> Check:
    """Whether torchvision was built for the same device as torch, and has its operators."""
    ours, found = facts["torch"], facts["torchvision"]
    words = str(found.get("version") or "torchvision")
    reason = found.get("error")
    cuda = bool(found.get("cuda")) or "+cu" in words
    known = "error" not in ours and not ours.get("hip") and (not reason or "+" in words)
    if known and cuda != bool(ours["cuda"]):
        both = (
            f"torchvision {words} is built for {'CUDA' if cuda else 'the CPU'}, torch "
            f"{ours['version']} for {_built(ours)}"
        )
        return Check("torchvision", "problem", f"{both} ({reason})" if reason else both, PAIR)
    if reason and "torchvision::nms" in reason:
        return Check("torchvision", "problem", f"{words}, its operators are missing", PAIR)
    if reason:
        return Check("torchvision", "problem", f"{words} cannot be used ({reason})", PAIR)
    return Check("torchvision", "ok", f"{words}, built for {'CUDA' if cuda else 'the CPU'}")


def _built(torch: dict[str, object] | object) -> str:
    """What torch was built for, in words."""
    held = torch if isinstance(torch, dict) else {}
    if held.get("hip"):
        return f"ROCm {held['hip']}"
    return f"CUDA {held['cuda']}" if held.get("cuda") else "the CPU"


def numpy(facts: ProbeFacts) -> Check:
    """Whether numpy is of a release that torch can work with."""
    found, bridge = facts["numpy"], facts["bridge"]
    remedy = "pip install --upgrade 'numpy>=2.0' torch"
    if "error" in found:
        return Check("numpy", "problem", f"cannot be imported ({found['error']})", remedy)
    if int(found["version"].split(".")[0]) < 2:
        return Check("numpy", "problem", f"{found['version']}, comp needs 2 or newer", remedy)
    if "error" in facts["torch"]:
        words = f"{found['version']}, whether torch can use it is not known"
        return Check("numpy", "note", words, "mend torch first")
    if "error" in bridge:
        words = f"{found['version']}, torch cannot use it ({bridge['error']})"
        return Check("numpy", "problem", words, remedy)
    return Check("numpy", "ok", found["version"])


def six() -> Check:
    """Whether six is there, which Kaggle's client imports and does not declare."""
    if find_spec("six") is None:
        words = "missing, and Kaggle's client cannot be imported without it"
        return Check("six", "problem", words, "pip install six")
    return Check("six", "ok", _installed("six") or "there")


def albumentations() -> Check:
    """Whether albumentations is the release that comp's augmentations were made with."""
    found, other = _installed("albumentations"), _installed("albumentationsx")
    remedy = "pip install albumentations==2.0.8"
    if other:
        return Check(
            "albumentations",
            "problem",
            f"albumentationsx {other} is installed, which takes its name and is under the AGPL",
            f"pip uninstall -y albumentationsx, then {remedy} --force-reinstall",
        )
    if found != "2.0.8":
        words = f"{found or 'missing'}, comp is made for 2.0.8"
        return Check("albumentations", "problem", words, remedy)
    return Check("albumentations", "ok", found)


def opencv(facts: ProbeFacts) -> Check:
    """Whether one OpenCV, and only one, is there, and can be imported."""
    there = {name: number for name in OPENCV if (number := _installed(name))}
    names = ", ".join(f"{name} {number}" for name, number in there.items())
    remedy = f"pip uninstall -y {' '.join(OPENCV)}, then pip install {OPENCV[0]}"
    if len(there) > 1:
        words = f"{names} are installed and overwrite each other's files"
        return Check("OpenCV", "problem", words, remedy)
    if "error" in facts["cv2"]:
        words = f"{names or 'missing'}, cannot be imported ({facts['cv2']['error']})"
        return Check("OpenCV", "problem", words, remedy)
    return Check("OpenCV", "ok", names or str(facts["cv2"]["version"]))


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
