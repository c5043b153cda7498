"""The results of the checks on the terminal, one line each."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.status import Status
from rich.table import Table

from comp.report.console import make_console

if TYPE_CHECKING:
    from comp.doctor.check import Check

STYLES = {"ok": "green", "note": "yellow", "problem": "bold red"}
_STATE, _NAME = 9, 16
"""Column widths in characters."""


class DoctorReporter:
    """Shows the present check and the results."""

    def __init__(self, to_stderr: bool = False) -> None:
        self._console = make_console(to_stderr)
        live = self._console.is_terminal
        self._status = Status("", console=self._console) if live else None

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()

    def check_started(self, name: str) -> None:
        """Show the name of the present check, on a terminal only."""
        if self._status:
            self._status.update(f"checking {name}")

    def show(self, check: Check) -> None:
        """Print one result, and its remedy on the next line."""
        if self._status:
            self._console.print(_rows(check))
            return
        self._console.print(f"{check.state:{_STATE}}{check.name:{_NAME}}{check.found}")
        if check.remedy:
            self._console.print(f"{'':{_STATE + _NAME}}-> {check.remedy}")

    def end(self, problems: int, notes: int) -> None:
        """Print the number of problems and notes."""
        words = f"{_count(problems, 'problem')}, {_count(notes, 'note')}"
        self._console.print(words if problems else f"no problems, {_count(notes, 'note')}")


def _rows(check: Check) -> Table:
    """A result as columns that wrap separately."""
    table = Table.grid()
    table.add_column(width=_STATE, style=STYLES[check.state])
    table.add_column(width=_NAME)
    table.add_column(overflow="fold")
    table.add_row(check.state, check.name, check.found)
    if check.remedy:
        table.add_row("", "", f"-> {check.remedy}")
    return table


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + "s" * (number != 1)
