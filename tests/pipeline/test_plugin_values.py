"""The description of a plugin's functions, which two processes must agree on."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from pathlib import Path
from types import ModuleType

import pytest

from comp.pipeline.plugin_values import activation_text, as_json

HEAD = """
import enum
import functools
from collections import namedtuple
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn


def square(x):
    return x * x


def f(*values, **named):
    return values[-1]


class A:
    def __init__(self, k=1.0):
        self.k = k

    def __call__(self, raw):
        return raw * self.k

    def method(self, raw):
        return raw + self.k


class Slots(A):
    __slots__ = ("k",)


class Own(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k = k


class Kind(enum.Enum):
    ONE = 1
    TWO = 2


def scaled(k):
    def inner(raw):
        return raw * k

    return inner


def twice(function, k=2):
    @functools.wraps(function)
    def wrapper(raw):
        return function(raw) * k

    return wrapper


@torch.no_grad()
def decorated(raw):
    return raw


def looped():
    def inner(raw):
        return inner

    return inner


Pair = namedtuple("Pair", "low high")
"""
Describe = Callable[[str], str]


@pytest.fixture
def describe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Describe:
    """Describe an activation of a module that is imported anew, as by another process."""
    numbers, alive = count(), list[ModuleType]()  # alive: so that no address comes again

    def described(code: str) -> str:
        path = tmp_path / str(next(numbers)) / "mine.py"
        path.parent.mkdir()
        path.write_text(f"{HEAD}\nact = {code}\n")
        spec = spec_from_file_location("mine", path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "mine", module)
        spec.loader.exec_module(module)
        alive.append(module)
        return activation_text(module.act)

    return described


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        ("partial(f, square)", "partial(f, scaled)"),
        ("partial(f, g=lambda x: x)", "partial(f, g=lambda x: -x)"),
        ("partial(f, partial(f, square))", "partial(f, partial(f, f))"),
        ("partial(f, np.exp)", "partial(f, np.log)"),
        ("partial(f, torch.sigmoid)", "partial(f, torch.tanh)"),
        ("partial(f, nn.functional.softmax)", "partial(f, nn.functional.relu)"),
        ("partial(f, A)", "partial(f, Own)"),
        ("A(1.0)", "A(100.0)"),
        ("A(square)", "A(f)"),
        ("Slots(1.0)", "Slots(2.0)"),
        ("A(1.0).method", "A(2.0).method"),
        ("functools.lru_cache(square)", "functools.lru_cache(f)"),
        ("scaled(1.0)", "scaled(2.0)"),
        ("scaled(square)", "scaled(f)"),
        ("twice(square)", "twice(square, 3)"),
        ("decorated", "twice(decorated)"),
        ("partial(f, Kind.ONE)", "partial(f, Kind.TWO)"),
        ("partial(f, Pair(0, 9))", "partial(f, Pair(0, 8))"),
        ("partial(f, np.arange(9000))", "partial(f, np.r_[:4500, 0, 4501:9000])"),
        ("partial(f, np.array([square]))", "partial(f, np.array([f]))"),
        ("partial(f, np.float32(0.1))", "partial(f, np.float32(0.2))"),
        ("partial(f, torch.ones(2))", "partial(f, torch.zeros(2))"),
        ("partial(f, torch.ones(2).bfloat16())", "partial(f, torch.zeros(2).bfloat16())"),
        ("partial(f, torch.float32)", "partial(f, torch.float16)"),
        ("nn.Softplus(2)", "nn.Softplus(3)"),
        ("nn.PReLU(init=0.5)", "nn.PReLU(init=0.6)"),
        ("nn.Sequential(nn.Softplus(2))", "nn.Sequential(nn.Softplus(3))"),
        ("Own(1.0)", "Own(2.0)"),
        ("looped()", "scaled(1)"),
        ("partial(f, list(range(999)))", "partial(f, list(range(998)))"),
    ],
)
def test_a_description_is_the_same_in_each_process_and_another_after_a_change(
    describe: Describe, code: str, changed: str
) -> None:
    text = describe(code)

    assert text == describe(code)
    assert " at 0x" not in text
    assert text != describe(changed)
    assert len(text) < 450


@pytest.mark.parametrize(
    ("code", "same"),
    [
        ("partial(f, {0, 8})", "partial(f, {8, 0})"),
        ("partial(f, k={'a': 1, 'b': 2})", "partial(f, k={'b': 2, 'a': 1})"),
        ("partial(f, Path('/home/a/x.npy'))", "partial(f, Path('/mnt/x.npy'))"),
        ("partial(f, '/home/a/x.npy')", "partial(f, '/mnt/b/x.npy')"),
        ("A(object())", "A(object())"),
    ],
)
def test_what_differs_between_machines_is_not_described(
    describe: Describe, code: str, same: str
) -> None:
    assert describe(code) == describe(same)


def test_the_source_of_the_class_counts(
    describe: Describe, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = describe("Slots(1.0)")
    monkeypatch.setitem(globals(), "HEAD", HEAD.replace("raw * self.k", "raw / self.k"))

    assert describe("Slots(1.0)") != before


def test_plain_arguments_are_as_in_earlier_records(describe: Describe) -> None:
    text = describe("partial(f, 1, (2.5,), k='x')")

    assert text.startswith("f ")
    assert text.endswith(" (1, (2.5,)) [('k', 'x')]")


def test_options_that_json_does_not_have() -> None:
    import numpy as np

    assert as_json({"a": np.float32(0.5), "b": (1, {0}), (1, 2): Path("/x/y")}) == {
        "a": 0.5,
        "b": [1, "{0}"],
        "(1, 2)": "Path('y')",
    }
