"""Describes the functions and values of a plugin for the record of a run.

Two processes of the same program describe a value in the same way, on any machine: no addresses, no
order of sets, no absolute paths. A function is its name and the hash of its source, and what it
holds: the arguments of a partial, the object of a method, the variables of a closure.
"""

from __future__ import annotations

import ast
import enum
import hashlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from types import BuiltinMethodType, FunctionType, MappingProxyType, MethodType, ModuleType
from typing import Any

import numpy as np

PLAIN: tuple[type, ...] = (type(None), bool, int, float, complex, bytes, range)
"""Types whose repr is the value."""
PLAIN_BY_NAME = ("torch.dtype", "torch.device", "operator.itemgetter", "decimal.Decimal")
"""More of them, by name so that they need not be imported."""
LIBRARIES = {
    *("comp", "torch", "torchvision", "timm", "accelerate", "albumentations"),
    *("numpy", "scipy", "sklearn", "cv2", "PIL", "polars", "pandas"),
    *sys.stdlib_module_names,
}
"""Packages whose functions and classes are their names: another version is not another program."""
DEEPEST = 30
"""Values inside values that are described."""
LONGEST = 400
"""Characters of a description; of a longer one, the rest is a hash."""


def activation_text(function: Callable[..., Any] | None) -> str:
    """Describe an activation of the plugin itself; "" for one of comp, or None."""
    own: Any = function
    while isinstance(own, partial):
        own = own.func
    return "" if own is None or _package(own) == "comp" else _shortened(describe(function))


def as_json(value: Any) -> Any:
    """A value in values of JSON; what JSON does not have is described."""
    if isinstance(value, dict | MappingProxyType):
        return {_key(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, np.generic) and type(value.item()) in (bool, int, float, str):
        return value.item()
    if value is None or isinstance(value, str | int | float):
        return value
    return _shortened(describe(value))


def describe(value: Any, parents: tuple[int, ...] = ()) -> str:
    """A text that is the same in each process that runs the same program.

    Args:
        parents: the identities of the values that contain this one.
    """
    if type(value) in PLAIN or _full_name(type(value)) in PLAIN_BY_NAME:
        return repr(value)
    if isinstance(value, type):
        return _class_text(value)
    if id(value) in parents or len(parents) > DEEPEST:
        return "..."
    inner = partial(describe, parents=(*parents, id(value)))
    for kinds, text in DESCRIPTIONS:
        if isinstance(value, kinds):
            return text(value, inner)
    if hasattr(value, "__qualname__") or isinstance(value, np.ufunc):
        return _named_text(value, inner)
    tensor = _tensor_text(value)
    return tensor or _instance_text(value, inner)


Inner = Callable[[Any], str]
"""Describes a part of a value."""


def _text_text(value: str, _inner: Inner) -> str:
    """A path differs between machines in its folders."""
    for kind in (PurePosixPath, PureWindowsPath):
        path = kind(value)
        if path.is_absolute() and len(path.parts) > 2:
            return repr(path.name)
    return repr(str(value))


def _enum_text(value: enum.Enum, inner: Inner) -> str:
    return f"{type(value).__qualname__}.{value.name} {inner(value.value)}"


def _array_text(value: np.ndarray, inner: Inner) -> str:
    if value.dtype.hasobject:
        return f"object {value.shape} {inner(value.tolist())}"
    data = np.ascontiguousarray(value).tobytes()
    return f"{value.dtype.str} {value.shape} {_hash(data)}"


def _number_text(value: np.generic, inner: Inner) -> str:
    item = value.item()
    if type(item) in PLAIN or type(item) is str:
        return f"{value.dtype.str} {item!r}"
    return _array_text(np.asarray(value), inner)


def _mapping_text(value: Mapping[Any, Any], inner: Inner) -> str:
    items = sorted(f"{inner(key)}: {inner(item)}" for key, item in value.items())
    return _sub(value, dict, MappingProxyType) + "{" + ", ".join(items) + "}"


def _list_text(value: list[Any], inner: Inner) -> str:
    return f"{_sub(value, list)}[{', '.join(map(inner, value))}]"


def _tuple_text(value: tuple[Any, ...], inner: Inner) -> str:
    comma = "," if len(value) == 1 else ""
    return f"{_sub(value, tuple)}({', '.join(map(inner, value))}{comma})"


def _set_text(value: set[Any] | frozenset[Any], inner: Inner) -> str:
    return _sub(value, set, frozenset) + "{" + ", ".join(sorted(map(inner, value))) + "}"


def _partial_text(value: partial[Any], inner: Inner) -> str:
    return f"{inner(value.func)} {inner(value.args)} {inner(sorted(value.keywords.items()))}"


def _method_text(value: MethodType, inner: Inner) -> str:
    return f"{inner(value.__func__)} of {inner(value.__self__)}"


def _builtin_text(value: Any, inner: Inner) -> str:
    holder = value.__self__
    no_object = holder is None or isinstance(holder, ModuleType | type)
    return value.__qualname__ if no_object else f"{value.__qualname__} of {inner(holder)}"


def _function_text(function: FunctionType, inner: Inner) -> str:
    if str(function.__globals__.get("__name__")).split(".")[0] in LIBRARIES:
        if hasattr(function, "__wrapped__"):  # such as @torch.no_grad()
            return f"{function.__code__.co_name} {inner(function.__wrapped__)}"
        return _library_name(function)
    text = f"{function.__qualname__}{code_hash(function.__code__)}"
    cells: dict[str, Any] = {}
    names = function.__code__.co_freevars
    for name, cell in zip(names, function.__closure__ or (), strict=True):
        with suppress(ValueError):  # not assigned yet
            cells[name] = cell.cell_contents
    held = [cells, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).items()]
    return f"{text} {inner(held)}" if held != [{}] else text


def _named_text(value: Any, inner: Inner) -> str:
    """A function that is not of Python, or one in a wrapper such as a cache."""
    if hasattr(value, "__wrapped__"):
        return f"{type(value).__name__} {inner(value.__wrapped__)}"
    return str(getattr(value, "__qualname__", None) or value.__name__)


def _class_text(kind: type) -> str:
    sources = [code_hash(k) for k in kind.__mro__ if _package(k) not in LIBRARIES]
    return f"{kind.__qualname__}{''.join(sources)}" if sources else _library_name(kind)


def _instance_text(value: Any, inner: Inner) -> str:
    text = _class_text(type(value))
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.nn.Module):
        base = vars(torch.nn.Module())
        fields = {name: item for name, item in vars(value).items() if name not in base}
        parts = (value.named_parameters(recurse=False), value.named_buffers(recurse=False))
        return f"{text} {inner([fields, *map(dict, parts), list(value.named_children())])}"
    if _package(type(value)) in LIBRARIES:
        return text
    for base in (int, float, complex, bytes):
        if isinstance(value, base):
            text = f"{text} {base.__repr__(value)}"
    try:
        state = object.__getstate__(value)  # its attributes, also those of __slots__
    except TypeError:  # a class that is derived from one that cannot be pickled
        state = getattr(value, "__dict__", None)
    return f"{text} {inner(state)}" if state else text


def _tensor_text(value: Any) -> str:
    """The type, the shape and the hash of a tensor of PyTorch; "" for anything else."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, torch.Tensor):
        return ""
    data = b""
    with suppress(RuntimeError, TypeError):  # one without values in memory
        flat = value.detach().cpu().contiguous().reshape(-1)
        data = flat.view(torch.uint8).numpy().tobytes()
    return f"{value.dtype} {tuple(value.shape)} {_hash(data)}"


def code_hash(value: Any) -> str:
    """A space and the hash of the source, or "". Comments and layout do not matter."""
    try:
        source = textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError):
        return ""
    with suppress(SyntaxError):  # a lambda in the middle of a statement
        source = ast.unparse(ast.parse(source))
    return f" {_hash(source.encode())}"


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def _package(value: Any) -> str:
    """The first part of the name of the module of a function, a class or an object."""
    return str(getattr(value, "__module__", None) or "").split(".")[0]


def _full_name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _library_name(value: Any) -> str:
    """Without the modules inside the package, which move between versions."""
    return f"{_package(value)}.{value.__qualname__}"


def _sub(value: Any, *kinds: type) -> str:
    """The name of a class that is derived from one of Python; "" for that class itself."""
    return "" if type(value) in kinds else type(value).__qualname__


def _key(key: Any) -> Any:
    return key if key is None or isinstance(key, str | int | float) else describe(key)


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}... {_hash(text.encode())}"


DESCRIPTIONS: tuple[tuple[Any, Callable[[Any, Inner], str]], ...] = (
    (enum.Enum, _enum_text),
    (np.ndarray, _array_text),
    (np.generic, _number_text),
    (str, _text_text),
    (PurePath, lambda path, _inner: f"Path({path.name!r})"),
    ((dict, MappingProxyType), _mapping_text),
    (list, _list_text),
    (tuple, _tuple_text),
    ((set, frozenset), _set_text),
    (partial, _partial_text),
    (MethodType, _method_text),
    (FunctionType, _function_text),
    (BuiltinMethodType, _builtin_text),
    (ModuleType, lambda module, _inner: f"module {module.__name__}"),
)
"""(types, how their values are described), the first that fits; the second argument describes a
part of the value."""
