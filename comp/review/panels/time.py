"""Where the time of a run went: setting up, training, validating, predicting, waiting."""

from __future__ import annotations

from collections.abc import Sequence

from comp.page.blocks import Block, Cell, Figure, Panel, Paragraph, Table
from comp.page.charts import Bar, BarChart
from comp.page.words import say
from comp.review.facts import FoldFacts, RunFacts


def panel(facts: RunFacts) -> Panel | None:
    """The panel; None if no fold is finished."""
    done = [fold for fold in facts.folds if fold.meta]
    if not done:
        return None
    sums = {
        key: sum(float(fold.meta.get(key) or 0.0) for fold in done)
        for key in ("setup_s", "fit_s", "validate_s", "estimate_s", "predict_s")
    }
    folds = sums["setup_s"] + sums["fit_s"] + sums["estimate_s"] + sums["predict_s"]
    total = float(facts.scores.get("seconds") or facts.record.get("seconds") or folds)
    parts = [
        (say("set up folds"), sums["setup_s"]),
        (say("train networks"), sums["fit_s"] - sums["validate_s"]),
        (say("validate"), sums["validate_s"]),
        (say("fit other models"), sums["estimate_s"]),
        (say("predict"), sums["predict_s"]),
    ]
    title = say("Seconds of the folds, {total:,.0f} in all", total=folds)
    one_process = folds <= total and not facts.record.get("resumed")
    if one_process:
        parts.append((say("data, checks, submission, scores"), total - folds))
        title = say("Seconds of the run, {total:,.0f} in all", total=total)
    blocks: list[Block] = [
        Figure(
            BarChart(
                title=title,
                bars=[
                    Bar(label=label, value=round(value, 2)) for label, value in parts if value > 0
                ],
                value_label=say("seconds"),
                decimals=1,
            )
        ),
        *([] if one_process else [_last_part(total)]),
        _speeds(done),
        _machine(facts),
    ]
    return Panel(
        id="time",
        title=say("Time and machine"),
        blocks=blocks,
        how_to_read=say(
            "Waiting for data is the share of the training time in which the network had no batch. "
            "Above about 20 % more workers, a cache of images or a smaller image size help. Folds "
            "that train at the same time have more seconds in sum than the run has."
        ),
    )


def _last_part(total: float) -> Paragraph:
    return Paragraph(
        say(
            "The last process of the run took {total:,.0f} seconds. Folds trained at the same "
            "time, or before the run was resumed.",
            total=total,
        )
    )


def _speeds(done: Sequence[FoldFacts]) -> Table:
    rows: list[list[Cell]] = [
        [
            str(fold.fold),
            round(float(fold.meta.get("images_per_second") or 0.0), 1),
            round(100 * float(fold.meta.get("wait_share") or 0.0), 1),
        ]
        for fold in done
    ]
    columns = [say("fold"), say("samples a second"), say("waiting for data, %")]
    return Table(columns=columns, rows=rows, decimals=1)


def _machine(facts: RunFacts) -> Table:
    environment = facts.record.get("environment") or {}
    rows: list[list[Cell]] = [
        [say("device"), str(facts.record.get("device", ""))],
        [say("precision"), str(facts.record.get("precision", ""))],
        [say("batch size"), str((facts.config.get("loader") or {}).get("batch_size", ""))],
        [say("platform"), str(environment.get("platform", ""))],
        *_memory(facts),
    ]
    return Table(columns=[say("machine"), ""], rows=rows, decimals=2)


def _memory(facts: RunFacts) -> list[list[Cell]]:
    """The most memory that the process of the run used; with jobs, the folds have their own."""
    memory = facts.record.get("memory") or {}
    names = {"memory": say("peak memory, GB"), "GPU memory": say("peak GPU memory, GB")}
    return [[name, float(memory[key]) / 1e9] for key, name in names.items() if memory.get(key)]
