"""Runs a command of `comp` in the process of the tests, like `forked_comp` but ten times faster.

What a test says of signals, of a kill, of two commands at once or of the end of a process needs a
process of its own.
"""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from forked_comp import spend

from comp.cli import main
from comp.kaggle.client.deadline import Deadline


def run(
    *words: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    constants: Mapping[str, float] | None = None,
    skip_waits: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run `comp` with the words of a command line, without stdin; `constants` and `skip_waits` are
    those of `forked_comp.start`."""
    with ExitStack() as stack:
        out, err = stack.enter_context(_stream()), stack.enter_context(_stream())
        stack.callback(_give_back_handlers, out, err)  # once stderr is restored
        stack.enter_context(_one_thread())
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in (constants or {}).items():
            module, _, constant = name.rpartition(".")
            patch.setattr(import_module(module), constant, value)
        if skip_waits:
            patch.setattr(Deadline, "sleep", spend)
        null = stack.enter_context(Path(os.devnull).open(encoding="utf-8"))
        for name, stream in {"stdin": null, "stdout": out, "stderr": err}.items():
            patch.setattr(sys, name, stream)
            patch.setattr(sys, f"__{name}__", stream)
        patch.setattr(sys, "argv", ["comp", *words])
        patch.chdir(cwd)
        stack.enter_context(_variables(os.environ.copy() if env is None else env))
        code = _call()
        return subprocess.CompletedProcess(words, code, _text(out), _text(err))


@contextmanager
def _stream() -> Iterator[io.TextIOWrapper[Any]]:
    """A stream into a file, as the one of a process is."""
    with tempfile.TemporaryFile() as file, io.TextIOWrapper(file, "utf-8") as stream:
        yield stream


def _give_back_handlers(*streams: io.TextIOWrapper[Any]) -> None:
    """Handlers of logs that libraries made during the call write to the stderr of the tests."""
    for logger in [logging.root, *logging.root.manager.loggerDict.values()]:
        for handler in getattr(logger, "handlers", ()):  # not every entry is a logger
            if isinstance(handler, logging.StreamHandler) and handler.stream in streams:
                handler.setStream(sys.stderr)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Torch computes with one thread for a while, as in the processes of `forked_comp`."""
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else 0
    if torch:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if torch:
            torch.set_num_threads(threads)


@contextmanager
def _variables(env: Mapping[str, str]) -> Iterator[None]:
    """The environment is this one for a while."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _call() -> int:
    """The exit code; as Python does, an exception is printed."""
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


def _text(stream: io.TextIOWrapper[Any]) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()
