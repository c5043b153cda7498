"""A key of the configuration that a study tunes, and the values that it may have."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from comp.config.explain import format_value

EDGE = 0.05
"""A best value this close to an end of its range, as a share of the range, is at the edge."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A key with a range of numbers, or with choices.

    A range of numbers is [low, high], both included; with `log` it is searched by factors. `step`
    is the distance between two values; None: any number, of whole numbers each one.
    """

    key: str
    kind: Literal["number", "whole", "choice"]
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    choices: tuple[Any, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The choices as text, which a study stores: its storage has no lists."""
        return tuple(map(format_value, self.choices))

    def stored(self, value: Any) -> Any:
        """A value of the configuration as the study stores it; None if the range or the choices do
        not contain it."""
        if self.kind == "choice":
            label = format_value(value)
            return label if label in self.labels else None
        numbers = (int,) if self.kind == "whole" else (int, float)
        if isinstance(value, bool) or not isinstance(value, numbers):
            return None
        return value if self.low <= value <= self.high and self._on_step(value) else None

    def _on_step(self, value: float) -> bool:
        if self.step is None:
            return True
        steps = (value - self.low) / self.step
        return abs(steps - round(steps)) < 1e-9

    def value(self, stored: Any) -> Any:
        """The value of the configuration that `stored` returned as this."""
        if self.kind == "choice":
            return self.choices[self.labels.index(stored)]
        return int(stored) if self.kind == "whole" else float(stored)

    def at_edge(self, value: Any) -> str:
        """At which end of its range a value is: "low", "high", or "" for neither and for
        choices."""
        if self.kind == "choice":
            return ""
        low, high, here = self.low, self.high, float(value)
        if self.step:
            high = low + int((high - low) / self.step + 1e-9) * self.step
        if self.log:
            low, high, here = math.log(low), math.log(high), math.log(here)
        share = (here - low) / (high - low)
        return "low" if share <= EDGE else "high" if share >= 1 - EDGE else ""

    def beyond(self, edge: str) -> Any:
        """A value outside of the range, near its "low" or its "high" end."""
        if self.log and self.kind == "number":
            factor = (self.high / self.low) ** EDGE
            return self.low / factor if edge == "low" else self.high * factor
        step = self.step or (1 if self.kind == "whole" else EDGE * (self.high - self.low))
        return self.value(self.low - step if edge == "low" else self.high + step)

    def values(self) -> Sequence[Any]:
        """All values for a grid; empty for a range of numbers without steps.

        Whole numbers without `step` are all taken, unless their range is logarithmic.
        """
        if self.kind == "choice":
            return self.choices
        step = 1 if self.kind == "whole" and self.step is None and not self.log else self.step
        if step is None:
            return ()
        count = int((self.high - self.low) / step + 1e-9) + 1
        values = (min(self.high, self.low + number * step) for number in range(count))
        return [self.value(value) for value in values]

    def record(self) -> dict[str, Any]:
        """The parameter in the form of a space file."""
        if self.kind == "choice":
            return {"choices": list(self.choices)}
        more: Mapping[str, Any] = {"log": True} if self.log else {}
        low, high = self.value(self.low), self.value(self.high)
        return {"low": low, "high": high, **more, **({"step": self.step} if self.step else {})}

    def text(self) -> str:
        """The values for people: `0.001 to 0.1 (log)`, or the choices."""
        if self.kind == "choice":
            return ", ".join(self.labels)
        how = " (log)" if self.log else f" by {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{how}"
