"""The time of a fold in a run with a budget: its parts as planned, and when its training ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from comp.config.schema import RunConfig
from comp.pipeline.members import network_names, read_result
from comp.pipeline.replanned import forget_points, point_writer, read_points
from comp.pipeline.report_time import report_seconds
from comp.pipeline.run_inputs import RunContext
from comp.pipeline.seeds import trainings
from comp.runs.folder import RunFolder
from comp.runs.progress import Reporter
from comp.training.averages import scorings
from comp.training.budget import MIN_SHARE, FoldCost
from comp.training.replanning import SLOWER, Replanner, TimePlan
from comp.training.state import RESUME

RECORD = "fold_time"
"""The key of run.json with the time of each fold that trains, by its folder."""
COST = "fold_cost"
"""The key of run.json with what a fold costs, as its last plan supposed."""
FIXED = "fixed_plan"
"""The key of run.json that says that nothing is planned again: the run repeats another one."""


@dataclass(frozen=True, kw_only=True)
class FoldTime:
    """Seconds of one training of a fold: in all, and its parts as planned.

    `step_s` is one step, `validate_s` all validations. `submit_s` follows the predictions in the
    fold, and `beyond_s` the last fold: the scores and the report.
    """

    seconds: float
    setup_s: float
    step_s: float
    validate_s: float
    predict_s: float
    submit_s: float
    beyond_s: float

    @classmethod
    def of(cls, one: FoldCost, seconds: float, beyond_s: float) -> FoldTime:
        """The time of a training that costs `one` and has `seconds`."""
        return cls(
            seconds=seconds,
            setup_s=one.setup_s,
            step_s=one.step_s,
            validate_s=one.validate_s,
            predict_s=one.predict_s,
            submit_s=one.submit_s,
            beyond_s=beyond_s,
        )

    def plan(self, config: RunConfig, started: float) -> TimePlan:
        """The time of a training that started at `started`, by `time.perf_counter()`."""
        after_training = scorings(config.average)
        return TimePlan(
            ends_at=started + self.seconds,
            step_s=self.step_s,
            validate_s=self.validate_s / max(1, config.validations + after_training),
            after_s=self.predict_s + self.submit_s,
            beyond_s=self.beyond_s,
            scorings=after_training,
        )


def record_time(
    context: RunContext, place: Path, cost: FoldCost | None, seconds: float, *, last: bool
) -> None:
    """Record in run.json what the trainings in `place` may take, from now on. A blend of several
    networks does not plan again, because it is not known what each of them takes.

    Args:
        place: the folder of a fold, or of one of its seeds.
        cost: of a fold with all its seeds.
        seconds: of all trainings in `place` that are not finished, one after another.
        last: whether nothing trains after them.
    """
    config, folder = context.inputs.config, context.folder
    record = folder.record()
    if cost is None or record.get(FIXED) or len(network_names(config)) != 1:
        return
    left = [one for one, there in trainings(config, place) if not read_result(there, one)]
    count = len(left) if place.parent == folder.path else 1
    beyond_s = cost.reserve_s + report_seconds(context.inputs) if last else 0.0
    found = FoldTime.of(cost.repeated(1 / config.seeds), seconds / max(1, count), beyond_s)
    name = place.relative_to(folder.path).as_posix()
    by_place = (record.get(RECORD) or {}) | {name: asdict(found)}
    folder.update_record(**{RECORD: by_place, COST: asdict(cost)})


def planned_cost(folder: RunFolder) -> FoldCost | None:
    """What the last fold that started was planned to cost; None if the run has no budget, or its
    folds have no plan."""
    found = folder.record().get(COST)
    return FoldCost(**found) if found else None


def planned_parts(record: Mapping[str, Any]) -> dict[str, float]:
    """The planned seconds of all folds that started, by part; {} without a budget.

    Args:
        record: the contents of run.json.
    """
    parts: dict[str, float] = {}
    for place, content in (record.get(RECORD) or {}).items():
        found = FoldTime(**content)
        count = 1 if "/" in place else int(record["config"].get("seeds", 1))
        steps = (record.get("plan") or {}).get(place.partition("/")[0].removeprefix("fold-"), 0)
        if place.startswith("full"):
            steps = (record.get("full") or {}).get("steps") or 0
        seconds = {
            "setup": found.setup_s,
            "training": found.step_s * steps,
            "validation": found.validate_s,
            "prediction": found.predict_s,
            "submission": found.submit_s,
        }
        for name, value in seconds.items():
            parts[name] = parts.get(name, 0.0) + value * count
    return parts


def read_time(run: RunFolder, place: Path) -> FoldTime | None:
    """The time of the training in `place`, the folder of a fold or of one of its seeds; None
    without a budget."""
    if not (run.path / "run.json").is_file() or not place.is_relative_to(run.path):
        return None
    by_place: dict[str, Any] = run.record().get(RECORD) or {}
    name = place.relative_to(run.path).as_posix()
    found = [by_place[key] for key in (name, name.rpartition("/")[0]) if key in by_place]
    return FoldTime(**found[0]) if found else None


def replanner_of(
    config: RunConfig, run: RunFolder, place: Path, steps: int, started: float, reporter: Reporter
) -> Replanner:
    """What plans the steps of a training again: as recorded, and if it has a time, by the clock.

    Args:
        place: the folder of the training.
        steps: as planned.
        started: when it started, by `time.perf_counter()`.
    """
    found, write = read_time(run, place), point_writer(place, steps)
    if found is None:
        return Replanner(given=read_points(place, steps))
    if not (place / RESUME).is_file():
        forget_points(place)  # the training starts from its first step, and plans by its own pace
    given = read_points(place, steps)
    planned_s = found.step_s

    def changed(step: int, now: int, step_s: float) -> None:
        write(step, now)
        reason = f"a step takes {step_s:.2g} s, not the planned {planned_s:.2g} s"
        if now < steps and step_s < SLOWER * planned_s:
            reason = "the rest of the run takes longer than planned"
        reporter.note(
            f"{now:,} steps instead of {steps:,}, because {reason}; the schedule of the learning "
            "rate ends with them"
        )
        if now < MIN_SHARE * steps:
            reporter.note(
                f"THIS FOLD IS SHORT: it makes {now / steps:.0%} of its steps, so its network is "
                "weaker than those of other folds; give the run a larger budget"
            )

    return Replanner(found.plan(config, started), given, changed)
