"""Which runs can be exported, and what others can do instead."""

from __future__ import annotations

from comp.config.model import ESTIMATORS
from comp.errors import ConfigError, RunError
from comp.export.tree_graph import known_estimate
from comp.pipeline.run_oof import RunOof
from comp.runs.lineage import member_ids

TREES = "gbdt"
"""The estimator that is exported."""
_WAY_OUT = "'comp bundle --wheels' takes every model"


def check_exportable(run: RunOof, to: str = "onnx", int8: bool = False) -> None:
    """Check that the models of a run can be exported to a format.

    Raises:
        ConfigError: `int8` of a run that has more than networks of one kind.
        RunError: they cannot; the message names the way out.
    """
    members, models = member_ids(run.folder.record()), run.config.model
    if members:
        raise RunError(
            f"run {run.run_id} is a blend and has no model of its own: export its runs "
            f"({', '.join(members)}), and average what they predict"
        )
    estimators = [str(name) for name in models if name in ESTIMATORS]
    if estimators:
        _check_estimators(run, estimators, to)
    if len(models) > 1 and "image" in run.competition.inputs:
        raise RunError(
            f"run {run.run_id} blends {', '.join(models)} of images with columns: export runs of "
            f"one network; {_WAY_OUT}"
        )
    if len(models) > 1 and to != "onnx":
        raise RunError(
            f"run {run.run_id} blends {', '.join(models)}, which is exported as ONNX alone: use "
            "--to onnx"
        )
    if int8 and (estimators or len(models) > 1):
        raise ConfigError(
            f"--int8 is for runs of one network, and run {run.run_id} predicts with "
            f"{', '.join(models)}: leave it out"
        )


def _check_estimators(run: RunOof, estimators: list[str], to: str) -> None:
    others = [name for name in estimators if name != TREES]
    network = "mlp or tabm" if run.competition.columns else "network"
    start = f"run {run.run_id} predicts with {', '.join(others or estimators)}, and"
    if others:
        raise RunError(
            f"{start} only networks and {TREES} are exported: {_WAY_OUT}, or train with "
            f"model={network}"
        )
    if "image" in run.competition.inputs or not run.competition.columns:
        raise RunError(
            f"{start} it learns from embeddings of images: {_WAY_OUT}, or train with "
            f"model={network}"
        )
    if to != "onnx":
        raise RunError(f"{start} trees are exported as ONNX alone: use --to onnx")
    estimate = run.competition.task.estimate
    if estimate is None or known_estimate(estimate) is None:
        raise RunError(
            f"{start} the task makes predictions of its numbers by a function of its own, which "
            f"is not exported: {_WAY_OUT}, or train with model={network}"
        )
