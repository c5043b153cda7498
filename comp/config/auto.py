"""Numbers that a run finds before it trains: the configuration has "auto" in their place.

Until the run has found it, such a number has the value of the default, so that everything that
needs a number can be built and checked.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator

AUTO = "auto"


class AutoRate(float):
    """A learning rate that the run finds."""


class AutoSize(int):
    """A batch size that the run finds."""


DEFAULT_RATE, DEFAULT_SIZE = 1e-3, 32
"""The values that stand for numbers that are not found yet."""


def is_auto(value: object) -> bool:
    """Whether a value of the configuration is a number that the run finds."""
    return isinstance(value, AutoRate | AutoSize)


def _rate(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if value == AUTO or is_auto(value):
        return AutoRate(DEFAULT_RATE)
    return _checked(value, handler)


def _size(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if value == AUTO or is_auto(value):
        return AutoSize(DEFAULT_SIZE)
    return _checked(value, handler)


def _checked(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, str):
        raise ValueError("give a number or auto")
    return handler(value)


def _plain(value: Any) -> Any:
    return AUTO if is_auto(value) else value


Rate = Annotated[float, WrapValidator(_rate), PlainSerializer(_plain)]
"""A learning rate, or "auto"."""
BatchSize = Annotated[int, WrapValidator(_size), PlainSerializer(_plain)]
"""A batch size, or "auto"."""
