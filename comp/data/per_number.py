"""Questions about targets that are asked once for each number: many samples have few classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from comp.contract.sample import Target

Answer = TypeVar("Answer")
MOST = 10_000
"""Numbers whose answers are kept."""


@dataclass(frozen=True)
class PerNumber(Generic[Answer]):
    """A function of a target, which is called once for each different number; for all other targets
    each time."""

    ask: Callable[[Target], Answer]
    known: dict[Any, Answer] = field(default_factory=dict)

    def __call__(self, target: Target) -> Answer:
        """The answer for one target."""
        kind = type(target)
        if kind is not float and kind is not int:
            return self.ask(target)
        key = (kind, target)  # 1 and 1.0 are equal
        if key not in self.known:
            if len(self.known) >= MOST:
                return self.ask(target)
            self.known[key] = self.ask(target)
        return self.known[key]
