"""The result of a race as a table."""

from __future__ import annotations

from rich.table import Table

from comp.report.console import make_console
from comp.runs.race import RaceResult, RoundResult


def show_race(result: RaceResult, to_stderr: bool) -> None:
    """Print the candidates with their last scores, and what the scores say."""
    console = make_console(to_stderr)
    console.print(race_table(result))
    for line in race_lines(result):
        console.print(line)


def race_lines(result: RaceResult) -> list[str]:
    """What is said below the table: problems, what the scores mean, and where the files are."""
    lines = []
    for number, candidate in enumerate(result.candidates):
        problem = _last(result, number)[1].problem
        if problem:
            lines.append(f"{candidate.name}: {problem}")
    if result.left_out:
        reason = next(iter(result.left_out.values()))
        lines.append(
            f"not in the race: {', '.join(result.left_out)} ({reason}): give files of weights with "
            "--weights PATH"
        )
    default = result.candidates[result.default].name
    if not result.tried:
        lines.append(f"no candidate has a score, so the default ({default}) ran")
    elif result.winner != result.best:
        best = result.candidates[result.best].name
        lines.append(
            f"{best} has a better score than the default ({default}), but it may be noise, so the "
            f"default ran: {result.comparison}"
        )
    elif result.winner == result.default:
        lines.append(f"the default ({default}) is the best of {result.tried} candidates")
    else:
        lines.append(f"the best of {result.tried} candidates on a part of fold 0")
        compared = result.comparison or "it has no score in the last round"
        lines.append(f"against the default ({default}): {compared}")
    return [*lines, f"race        {result.race_dir}", f"run         {result.run_id}"]


def race_table(result: RaceResult) -> Table:
    """One row for each candidate: the winner first, then by the round that it reached and by its
    score."""
    better = "lower" if result.direction == "min" else "higher"
    table = Table(title=f"race of {result.competition}: {result.metric} ({better} is better)")
    table.add_column("backbone", overflow="fold")
    for name in ("size", "how"):
        table.add_column(name)
    for name in ("img/s", "steps", "score"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("")
    for number in _order(result):
        candidate = result.candidates[number]
        reached, last = _last(result, number)
        cells = ("", "", "")
        if last.score is not None:
            cells = f"{last.images_per_second:.0f}", f"{last.steps:,}", f"{last.score:.5f}"
        ending = f"out in {reached}" if last.score is not None else "no score"
        if number == result.winner:
            ending = "winner"
        elif number == result.best:
            ending = "may be noise"
        elif number == result.default:
            ending = "default"
        table.add_row(candidate.backbone, candidate.size, candidate.how, *cells, ending)
    return table


def _last(result: RaceResult, number: int) -> tuple[int, RoundResult]:
    """The last round of a candidate, from 1, and its result."""
    reached = [i for i, each in enumerate(result.rounds) if number in each.results]
    if not reached:
        return 0, RoundResult(problem="not tried")
    return reached[-1] + 1, result.rounds[reached[-1]].results[number]


def _order(result: RaceResult) -> list[int]:
    sign = 1 if result.direction == "min" else -1

    def key(number: int) -> tuple[bool, int, bool, float]:
        reached, last = _last(result, number)
        score = last.score
        return number != result.winner, -reached, score is None, sign * (score or 0.0)

    return sorted(range(len(result.candidates)), key=key)
