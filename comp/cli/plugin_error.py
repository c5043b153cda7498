"""Errors in the functions of a plugin, in one line for its author."""

from __future__ import annotations

import re
import reprlib
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from types import FrameType
from typing import Any

from comp.contract.competition import Competition
from comp.contract.plugins import GROUP
from comp.engines.engine import TaskTraceback

_WORKER_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
"""A line of the traceback that PyTorch puts into the message of an error in a worker."""


@dataclass(frozen=True, kw_only=True)
class PluginFailure:
    """An error that a function of a plugin raised, and that is not a CompError.

    `call` is the function with its arguments, `line` the last line of the plugin before the error.
    `plain` is True for a fault of the data that needs no traceback.
    """

    file: Path
    line: int
    call: str
    reason: str
    plain: bool

    @classmethod
    def of(cls, error: Exception) -> PluginFailure | None:
        """The failure behind an error; None if no function of a plugin was running."""
        frames = [
            (frame, line)
            for frame, line in traceback.walk_tb(error.__traceback__)
            if _is_plugin(str(frame.f_globals.get("__name__", "")))
        ]
        if not frames:
            return _in_worker(error)
        first, (last, line) = frames[0][0], frames[-1]
        function = _field_of(first)
        kind = type(error).__name__
        missing = kind in ("KeyError", "FileNotFoundError", "ColumnNotFoundError")
        return cls(
            file=Path(last.f_code.co_filename),
            line=line,
            call=f"{function}({_arguments(first)})",
            reason=f"{kind}: {error}",
            plain=missing and function in ("samples", "test_labels"),
        )

    @property
    def message(self) -> str:
        """The failure in one line."""
        file = self.file.resolve()
        working = Path.cwd().resolve()
        shown = file.relative_to(working) if file.is_relative_to(working) else file
        advice = "correct the plugin or the data" if self.plain else "correct the plugin"
        reason = f"{' '.join(self.reason.split()):.300}"
        return f"{shown}, line {self.line}: {self.call} failed: {reason}: {advice}"


def traceback_text(error: Exception) -> str:
    """The traceback for the author of a plugin: of an error in the process of a fold only the part
    of that process."""
    if isinstance(error.__cause__, TaskTraceback):
        return str(error.__cause__).lstrip("\n")
    return "".join(traceback.format_exception(error))


def _is_plugin(module: str) -> bool:
    packages = ["competitions", *(point.module for point in entry_points(group=GROUP))]
    return any(module.startswith(f"{package}.") for package in packages) or module in packages[1:]


def _in_worker(error: Exception) -> PluginFailure | None:
    """The failure of a plugin in a process that loads images, or that trains a fold."""
    remote = isinstance(error.__cause__, TaskTraceback)
    text = str(error.__cause__ if remote else error)
    frames = [
        found for found in _WORKER_FRAME.findall(text) if "competitions" in Path(found[0]).parts
    ]
    if not (remote or "worker process" in text) or not frames:
        return None
    return PluginFailure(
        file=Path(frames[-1][0]),
        line=int(frames[-1][1]),
        call=f"{frames[0][2]}(...)",
        reason=text.strip().splitlines()[-1],
        plain=False,
    )


def _field_of(frame: FrameType) -> str:
    """The field of `Competition` that has the function of a frame, else the function's name."""
    package = ".".join(str(frame.f_globals.get("__name__", "")).split(".")[:2])
    values = (
        frame.f_globals.get("COMPETITION"),
        getattr(sys.modules.get(package), "COMPETITION", 0),
    )
    competition = next((value for value in values if isinstance(value, Competition)), None)
    for field in fields(Competition) if competition else ():
        if getattr(_unwrapped(getattr(competition, field.name)), "__code__", None) is frame.f_code:
            return field.name
    return frame.f_code.co_name


def _unwrapped(value: Any) -> Callable[..., Any]:
    while isinstance(value, partial):
        value = value.func
    return value  # type: ignore[no-any-return]


def _arguments(frame: FrameType) -> str:
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return ", ".join(f"{name}={_short(frame.f_locals.get(name))}" for name in names)


def _short(value: object) -> str:
    if isinstance(value, Path):
        return str(value)
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple):
        return f"{type(value).__name__} {shape}"
    short = reprlib.Repr()
    short.maxstring = short.maxother = 60
    return short.repr(value)
