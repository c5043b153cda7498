"""The progress and the result of a submission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TextIO, cast

from rich.table import Table

from comp.errors import ConfigError
from comp.report.clock import duration
from comp.report.console import Live
from comp.report.escaping import escape_unprintable
from comp.streams import ask, can_ask
from comp.submission.ledger import number

if TYPE_CHECKING:
    from comp.contract.competition import Competition
    from comp.submission.ledger import Attempt


class DeliveryReporter(Live):
    """Shows the steps of a submission, and asks before it is sent."""

    def __init__(self, yes: bool, to_stderr: bool = False) -> None:
        super().__init__(to_stderr)
        self._yes = yes

    def step(self, words: str) -> None:
        """Print a finished step."""
        self.remove_bar()
        self.note(words)

    def sent(self, done: int, total: int) -> None:
        """Show how many bytes are uploaded."""
        self.show_progress("uploading", done, total, f"{done / 1e6:,.1f} of {total / 1e6:,.1f} MB")

    def session(self, state: str, seconds: float, limit_s: float) -> None:
        """Show the state of a session, for how long it was watched, and its time limit."""
        words = f"{state}, watched for {duration(seconds)}; at most {duration(limit_s)}"
        self.show_progress("session", round(seconds), round(limit_s), words)

    def confirm(self, question: str) -> bool:
        """Ask a yes-or-no question; with --yes the answer is yes.

        Raises:
            ConfigError: when no user can see the question or answer it.
        """
        if self._yes:
            return True
        stream = cast(TextIO, self._console.file)
        if not can_ask(stream):
            raise ConfigError(f"cannot ask '{question}?' without a terminal: give --yes")
        self.remove_bar()  # else it overwrites the answer
        return ask(escape_unprintable(question), stream)

    def table(
        self, competition: Competition, oof_score: float | None, attempt: Attempt, standing: Any
    ) -> None:
        """Print the out-of-fold score `oof_score`, the scores on Kaggle, and the rank."""
        title = f"submission {attempt.ref}"
        if attempt.kernel_version:
            notebook = f"notebook {attempt.kernel}, version {attempt.kernel_version}"
            title = f"{notebook}, {title}" if attempt.ref else notebook
        table = Table(title=f"{competition.name}, {title}")
        table.add_column("score")
        table.add_column(competition.metric.name, justify="right")
        if oof_score is not None:
            table.add_row("OOF", f"{oof_score:.5f}")
        if attempt.value is not None:
            table.add_row("test labels here", f"{attempt.value:.5f}")
        table.add_row("public" if attempt.sent else "state", attempt.public or attempt.state)
        if attempt.private:
            table.add_row("private", attempt.private)
        public = number(attempt.public)
        if oof_score is not None and public is not None:
            table.add_row("public - OOF", f"{public - oof_score:+.5f}")
        if standing:
            table.add_row("rank", f"{standing.rank:,} of {standing.teams:,}")
            table.add_row("medal", standing.medal or "none")
        if standing and standing.next_line:
            table.add_row(f"{standing.next_line[0]} from", f"{standing.next_line[1]:.5f}")
        self._console.print(table)
