"""The tree of errors, and what the command line makes of them."""

from __future__ import annotations

import importlib
import inspect
import pickle
import pkgutil
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import comp
from comp import errors
from comp.contract.sample import Sample
from comp.errors import CompError
from comp.kaggle.client.kernels import PushedKernel


def subclasses() -> list[type[CompError]]:
    return [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, CompError) and kind is not CompError
    ]


def test_drawing_shows_every_error_and_no_other():
    lines = [line for line in (errors.__doc__ or "").splitlines() if "── " in line]
    drawn = {line.split("── ")[1].split()[0]: line for line in lines}

    assert len(lines) == len(drawn)
    assert drawn.keys() == {kind.__name__ for kind in subclasses()}
    for kind in subclasses():
        below = kind.__bases__[0] is not CompError
        assert drawn[kind.__name__].startswith("    │   " if below else ("    ├", "    └"))
        code = re.search(r"\(exit (\d+)\)", drawn[kind.__name__])
        assert below or kind.exit_code == int(code[1] if code else 2)


def test_drawing_has_the_base_at_its_root():
    assert re.search(r"^    CompError  ", errors.__doc__ or "", flags=re.MULTILINE)


@pytest.mark.parametrize("kind", [CompError, *subclasses()])
def test_every_error_has_a_code_and_says_what_it_is(kind: type[CompError]):
    assert kind.exit_code in (2, 3, 4, 5, 6, 130)
    assert inspect.getdoc(kind)
    assert str(kind("the words")) == "the words"


def test_no_error_is_an_exception_that_python_raises_itself():
    assert CompError.__bases__ == (Exception,)


def test_command_line_prints_one_line_and_exits_with_2():
    done = subprocess.run(
        [sys.executable, "-m", "comp", "run", "denoysing"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("comp: unknown competition 'denoysing'")
    assert done.stderr.count("\n") == 1


def exceptions() -> list[type[BaseException]]:
    """Every exception class that a module of comp defines."""
    found = set()
    for module in pkgutil.walk_packages(comp.__path__, "comp."):
        if module.name == "comp.__main__":  # importing it runs the command line
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(kind, BaseException) and kind.__module__.startswith("comp."):
                found.add(kind)
    return sorted(found, key=lambda kind: (kind.__module__, kind.__qualname__))


def instance(kind: type[BaseException]) -> BaseException:
    """An exception with every attribute set."""
    arguments: dict[str, tuple[Any, ...]] = {
        "Stopped": (signal.SIGTERM,),
        "NotFiniteError": ("the loss is nan", 7),
        "TrialEndedError": ("pruned", "its score is too bad"),
        "NoScoreError": ("every score is NaN", nn.Linear(1, 1)),
        "UnfitSamplesError": ("no image", [Sample(id="a", image=Path("a.png"))], ["a finding"]),
        "InvalidSourcesError": ("no data set", PushedKernel("ada/a", "https://k/a", 3, 7)),
        "UnreadableError": ("inner.zip", "a member uses AES", "train"),
    }
    error = kind(*arguments.get(kind.__name__, ("what is wrong",)))
    attributes: dict[str, dict[str, Any]] = {
        "Stopped": {"run": Path("runs") / "one"},
        "RefusedError": {"status": 403},
        "NetworkError": {"retry_after": 1.5},
        "StoppedError": {"exit_code": 143},
    }
    for name, value in attributes.get(kind.__name__, {}).items():
        setattr(error, name, value)
    return error


@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__qualname__)
def test_every_exception_survives_pickle(kind: type[BaseException]):
    """A process pool sends the exceptions of its workers as pickles."""
    error = instance(kind)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301  made here

    lost = {"model": None} if kind.__name__ == "NoScoreError" else {}
    assert type(again) is kind
    assert str(again) == str(error)
    assert vars(again) == vars(error) | lost


def test_exceptions_are_found_in_every_room():
    names = {kind.__name__ for kind in exceptions()}
    assert names >= {kind.__name__ for kind in subclasses()}
    assert names >= {"Stopped", "NotFiniteError", "NoScoreError", "UnfitSamplesError"}
