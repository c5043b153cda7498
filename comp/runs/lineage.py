"""What a run is made of: a blend has other runs as members, and no model of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from comp.errors import RunError

KEY = "blend"
"""The key of run.json that describes a blend; a run that trained models does not have it."""


def blend_record(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """How a run blends other runs: `method`, `runs` and their scores and weights; empty if it
    trained models.

    Args:
        record: the contents of run.json.
    """
    found = record.get(KEY)
    return found if isinstance(found, Mapping) else {}


def member_ids(record: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of the runs of a blend; empty for another run."""
    runs = blend_record(record).get("runs")
    listed = runs if isinstance(runs, list) else []
    return tuple(
        str(run["run_id"]) for run in listed if isinstance(run, Mapping) and "run_id" in run
    )


def check_has_models(run_id: str, record: Mapping[str, Any], instead: str) -> None:
    """Refuse a blend, if what follows needs the models of the run.

    Args:
        instead: what to do, such as "resume them".

    Raises:
        RunError: the run is a blend; the message names its runs.
    """
    if blend_record(record):
        names = ", ".join(member_ids(record))
        raise RunError(
            f"run {run_id} is a blend of {names}, so there is nothing to train: {instead}"
        )


def recorded_config(record: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that run.json contains, nested; of a blend with its method and its runs."""
    config = dict(record.get("config") or {})
    blend = blend_record(record)
    if blend:
        config[KEY] = {"method": blend.get("method"), "runs": ", ".join(member_ids(record))}
    return config
