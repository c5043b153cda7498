"""A line of several parts, of which a narrow terminal keeps the most useful."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.text import Text

_GAP = "  "


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of a line. The parts with the lowest `rank` stay longest; where there is no room,
    `short` stands for `text`, and then nothing."""

    text: str
    rank: int
    short: str = ""


@dataclass(frozen=True)
class Parts:
    """A line; `str` of it has all parts."""

    parts: Sequence[Part]

    def __str__(self) -> str:
        """All parts."""
        return _GAP.join(part.text for part in self.parts if part.text)

    def within(self, width: int) -> str:
        """The parts that fit into `width` columns, in their order."""
        texts = [part.text for part in self.parts]
        least_useful_first = sorted(range(len(texts)), key=lambda n: -self.parts[n].rank)
        for shortened in (True, False):
            for number in least_useful_first[: None if shortened else -1]:
                line = _GAP.join(filter(None, texts))
                if cell_len(line) <= width:
                    return line
                texts[number] = self.parts[number].short if shortened else ""
        return _GAP.join(filter(None, texts))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The parts that fit."""
        yield Text(self.within(options.max_width), no_wrap=True, overflow="ellipsis")

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """From nothing to all parts."""
        return Measurement(0, min(cell_len(str(self)), options.max_width))
