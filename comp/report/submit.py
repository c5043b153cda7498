"""A submission on its way, on the terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, DownloadColumn, TaskID, TextColumn
from rich.table import Table

from comp.errors import ConfigError
from comp.report.console import Live
from comp.submission.ledger import number

if TYPE_CHECKING:
    from comp.contract.competition import Competition
    from comp.submission.ledger import Attempt


class DeliveryReporter(Live):
    """Shows the steps of a submission as they are taken, and asks before it is sent."""

    def __init__(self, yes: bool, to_stderr: bool = False) -> None:
        super().__init__(to_stderr, TextColumn("uploading"), BarColumn(), DownloadColumn())
        self._yes = yes
        self._task: TaskID | None = None

    def step(self, words: str) -> None:
        """Print what was done."""
        self._progress.stop()
        self._console.print(words, highlight=False, markup=False, soft_wrap=True)

    def sent(self, done: int, total: int) -> None:
        """Show how much is uploaded."""
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("uploading", total=total)
        self._progress.update(self._task, completed=done, total=total)

    def agree(self, question: str) -> bool:
        """Ask, unless --yes was given.

        Raises:
            ConfigError: where nobody is there to be asked.
        """
        if self._yes:
            return True
        if not sys.stdin.isatty():
            raise ConfigError(f"{question}? nobody is there to be asked: give --yes")
        self._progress.stop()  # else it would draw over the answer
        self._console.print(f"{question}? [y/N] ", end="", markup=False)
        return input().strip().lower() in ("y", "yes")

    def table(
        self, competition: Competition, mine: float | None, attempt: Attempt, standing: Any
    ) -> None:
        """Print the out-of-fold score `mine`, what Kaggle gave, and where that stands."""
        table = Table(title=f"{competition.name}, submission {attempt.ref}")
        table.add_column("score")
        table.add_column(competition.metric.name, justify="right")
        if mine is not None:
            table.add_row("OOF", f"{mine:.5f}")
        table.add_row("public", attempt.public or attempt.state)
        if attempt.private:
            table.add_row("private", attempt.private)
        public = number(attempt.public)
        if mine is not None and public is not None:
            table.add_row("public - OOF", f"{public - mine:+.5f}")
        if standing:
            table.add_row("rank", f"{standing.rank:,} of {standing.teams:,}")
            table.add_row("medal", standing.medal or "none")
        if standing and standing.next_line:
            table.add_row(f"{standing.next_line[0]} from", f"{standing.next_line[1]:.5f}")
        self._console.print(table)
