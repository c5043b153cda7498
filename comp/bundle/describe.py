"""A finished run as plain data: what bundle.json says, and predict.py reads.

    format        1
    comp          the version of comp
    competition   name, title, kaggle
    run           id, metric, direction, cv_score, std, folds, date, synthetic
    libraries     the versions of the run, by name
    data          how the data is found and its images are listed     (`describe_data`)
    read          how an image is read                                (`describe_read`)
    predict       tta, batch_size, tile, overlap, output, precision, channels_last
    networks      weights (a path), network (`describe_network`), fold, weight
    activation    from raw outputs to predictions                     (`describe_decision`)
    decision      from predictions to decisions                       (`describe_decision`)
    rows          what is written for an image                        (`describe_rows`)
    limits        smallest and largest value of the submission, or null
    decimals      decimals of a number in it
    own           role -> "module:name" of functions of the plugin

Networks with the same `fold` are averaged first, then the folds with their `weight`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from comp import __version__
from comp.bundle.describe_data import describe_data
from comp.bundle.describe_decision import describe_activation, describe_decision
from comp.bundle.describe_network import describe_network, own_network, place_of
from comp.bundle.describe_read import describe_read
from comp.bundle.describe_rows import describe_rows, own_rows
from comp.bundle.members import Member, members_of, trainings_of
from comp.bundle.refusal import refuse
from comp.config.schema import RunConfig
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import open_data
from comp.files import read_json
from comp.inference.tta import resolve_tta
from comp.pipeline.predict import decision_params
from comp.runs.folder import RunFolder
from comp.workspace import Workspace

FORMAT = 1


def describe(run: RunFolder, workspace: Workspace) -> dict[str, Any]:
    """What bundle.json says of a run.

    Raises:
        RunError: the run cannot be predicted without comp; the message says why.
        DataError: the data of the run is not there, which the description is tried on.
    """
    record = run.record("competition", "config", "data")
    competition = registry.get(record["competition"])
    members = members_of(run, workspace)
    if len(members) > 1:
        return _blend(run, record, members, workspace)
    config = members[0].config.model_copy(update={"pretrained": False, "weights": None})
    check_plain(competition, config)
    root = open_data(competition, Path(record["data"]), workspace)
    test = competition.samples(root, "test")
    params, _ = decision_params(run, competition)
    task = competition.task
    read = describe_read(competition, config, members[0].run, test)  # refuses what is no image
    return {
        "format": FORMAT,
        "comp": __version__,
        "competition": {
            "name": competition.name,
            "title": competition.title,
            "kaggle": competition.kaggle,
        },
        "run": _run(run, record, members),
        "libraries": _libraries(record),
        "data": describe_data(competition, root, test),
        "read": read,
        "predict": _predict(competition, config),
        **_networks(competition, config, members),
        "activation": describe_activation(task),
        "decision": describe_decision(task, params),
        "rows": describe_rows(competition, test),
        "limits": list(competition.limits) if competition.limits else None,
        "decimals": competition.decimals,
    }


def _blend(
    run: RunFolder, record: Mapping[str, Any], members: Sequence[Member], workspace: Workspace
) -> dict[str, Any]:
    """What bundle.json says of a blend: that of its first run, and `members`, which have sections
    of their own; a network says to which of them it belongs."""
    competition = registry.get(record["competition"])
    parts = [describe(member.run, workspace) for member in members]
    trainings = iter(trainings_of(members))
    networks = [
        {**network, "weights": training.weights, "fold": training.fold, "member": number}
        for number, part in enumerate(parts)
        for network, training in zip(part["networks"], trainings)  # noqa: B905
    ]
    sections = ("read", "predict", "activation")
    own = {role: name for part in parts for role, name in part["own"].items()}
    if any(
        part["own"].get(role) not in (None, name) for part in parts for role, name in own.items()
    ):
        refuse("the runs of the blend have different networks of the plugin")
    return parts[0] | {
        "run": _run(run, record, members),
        "networks": networks,
        "members": [
            {"run": member.run.run_id, "weight": member.weight}
            | {name: part[name] for name in sections}
            for member, part in zip(members, parts, strict=True)
        ],
        "own": own,
        "decision": describe_decision(competition.task, decision_params(run, competition)[0]),
    }


def check_plain(competition: Competition, config: RunConfig) -> None:
    """Check that networks of images alone predict.

    Raises:
        RunError: something else does.
    """
    others = [name for name in config.model if name != "network"]
    if others:
        refuse(f"the run predicts with {', '.join(others)}")
    if competition.read_table or (competition.columns and not competition.inputs):
        refuse("the samples are rows of a table")
    if competition.columns or competition.inputs != ("image",):
        refuse("the network takes more than the image")
    if competition.pool:
        refuse("several images share one prediction")
    if config.predict.adapt != "none":
        refuse(f"predict.adapt = {config.predict.adapt} adapts the networks to the test")
    if config.predict.shares != "none":
        refuse(f"predict.shares = {config.predict.shares} estimates the classes of the test")


def _run(run: RunFolder, record: Mapping[str, Any], members: Sequence[Member]) -> dict[str, Any]:
    try:
        scores = dict(read_json(run.scores))
    except (OSError, ValueError, TypeError):  # the run is not finished
        scores = {}
    return {
        "id": run.run_id,
        "metric": scores.get("metric"),
        "direction": scores.get("direction"),
        "cv_score": scores.get("cv_score"),
        "std": scores.get("std"),
        "folds": [*members[0].folds],
        "date": str(record.get("started", ""))[:10],
        "synthetic": bool(record.get("synthetic")),
    }


def _libraries(record: Mapping[str, Any]) -> dict[str, str | None]:
    environment = record.get("environment") or {}
    return dict(environment.get("packages") or {}) | {"python": environment.get("python")}


def _predict(competition: Competition, config: RunConfig) -> dict[str, Any]:
    predict = config.predict
    return {
        "tta": resolve_tta(competition, config),
        "batch_size": predict.batch_size,
        "tile": predict.tile,
        "overlap": predict.overlap,
        "output": competition.task.output,
        "precision": config.precision,
        "channels_last": config.channels_last,
    }


def _networks(
    competition: Competition, config: RunConfig, members: Sequence[Member]
) -> dict[str, Any]:
    """The sections `networks` and `own`."""
    model = competition.model(config)
    spec = describe_network(model, config, competition)
    networks = [
        {
            "weights": training.weights,
            "network": spec,
            "fold": training.fold,
            "weight": training.weight,
        }
        for training in trainings_of(members)
    ]
    portable = competition.portable
    reader = portable.reader if portable else None
    own = {
        "network": own_network(model, competition),
        "reader": place_of(reader) if reader else None,
        "rows": own_rows(competition),
    }
    return {"networks": networks, "own": {role: name for role, name in own.items() if name}}
