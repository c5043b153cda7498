"""Tracks a run: starts its trackers, sends them its progress and results, and ends them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from comp.config.explain import format_value
from comp.config.nesting import flat
from comp.config.schema import RunConfig
from comp.files import read_json
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.trackers.link import LOOK_S, Link
from comp.trackers.reporter import TrackedReporter, finite
from comp.trackers.tracker import Start, Status
from comp.training.ranks import current_ranks

PICTURES = ("example.png", "worst.png", "suspects.png")
"""Files of a run that trackers show."""
INTERRUPTED_S = 10.0
"""Seconds that the trackers have to end after a signal or an error."""
FACTS = ("run_id", "competition", "device", "precision", "synthetic", "started")
"""Keys of run.json that trackers show."""


@contextmanager
def tracked(config: RunConfig, folder: RunFolder, reporter: Reporter) -> Iterator[Reporter]:
    """Yield a reporter that also reports to the trackers of a run.

    A tracker that fails is told once with a note. Of several ranks only the first one tracks.
    """
    if not config.track.to or not current_ranks().leads:
        yield reporter
        return
    links = [Link(start_of(config, folder, name), reporter.note) for name in config.track.to]
    status: Status = "failed"
    try:
        yield TrackedReporter(reporter, links, config.folds)
        status = "finished"
        _send_results(folder, links)
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        end(links, status, config.track.limit)


def start_of(config: RunConfig, folder: RunFolder, tracker: str) -> Start:
    """What a tracker gets to know of a run."""
    record, track = folder.record(), config.track
    return Start(
        tracker=tracker,
        folder=str(folder.path.absolute()),
        run_id=folder.run_id,
        competition=config.competition,
        project=track.project or config.competition,
        config=shown(record["config"]),
        tags=track.tags,
        facts={key: str(record[key]) for key in FACTS if key in record},
        options=track.model_dump(mode="json"),
    )


def shown(config: Mapping[str, Any]) -> dict[str, str | int | float | bool]:
    """A configuration with dotted keys; values that are no number are text as `--set` reads it."""
    return {
        key: value if isinstance(value, bool | int | float) else format_value(value)
        for key, value in flat(config).items()
    }


def scores_of(card: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a scores.json, with the limits of their intervals."""
    values = {"result/score": card["cv_score"], "result/mean": card["mean"]}
    values["result/std"] = card["std"]
    for fold, score in (card.get("fold_scores") or {}).items():  # those so far were preliminary
        values[f"result/fold-{fold}"] = score
    for table in card.get("classes") or ():
        heading = str(table.get("heading") or "")
        for name, estimate in (table.get("estimates") or {}).items():
            key = "/".join(filter(None, ("result", heading, name)))
            limits = {"": "value", "_low": "low", "_high": "high"}
            values |= {f"{key}{end}": estimate.get(part) for end, part in limits.items()}
    return finite({key: value for key, value in values.items() if isinstance(value, int | float)})


def _send_results(folder: RunFolder, links: Sequence[Link]) -> None:
    with suppress(OSError, ValueError, KeyError):
        values = scores_of(read_json(folder.scores))
        for link in links:
            link.send("summary", values=values)
    send_pictures(folder, links)


def send_pictures(folder: RunFolder, links: Sequence[Link]) -> None:
    """Send the pictures that the folder of a run contains."""
    paths = [folder.path / name for name in PICTURES]
    for link in links:
        for path in filter(Path.is_file, paths):
            link.send("picture", name=path.stem, path=str(path.absolute()))


def end(links: Sequence[Link], status: Status, limit: float) -> None:
    """End all trackers at the same time, and kill what does not end."""
    seconds = limit if status == "finished" else min(limit, INTERRUPTED_S)
    until = time.monotonic() + seconds
    try:
        for link in links:
            link.ask_to_end(status)
        while any(link.running for link in links) and time.monotonic() < until:
            time.sleep(LOOK_S)
            for link in links:
                link.pump()
        for link in links:
            link.give_up()
    finally:
        for link in links:
            link.kill()
