"""Makes the folder of a bundle: program, description, weights, and the manifest last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from comp import __version__
from comp.bundle.assemble import assemble
from comp.bundle.folder import check_target, new_bundle
from comp.bundle.manifest import write_manifest
from comp.bundle.members import Member, Training, member_of, members_of, trainings_of
from comp.bundle.weights import copy_weights
from comp.contract import registry
from comp.contract.competition import Competition
from comp.files import write_json, write_text
from comp.pipeline.plugin_check import check_plugin
from comp.runs.folder import RunFolder
from comp.runs.lineage import member_ids
from comp.workspace import Workspace

PROGRAM = "predict.py"
DESCRIPTION = "bundle.json"
Note = Callable[[str], None]
"""Shows a line to the user."""


@dataclass(frozen=True, kw_only=True)
class BundleOptions:
    """How a bundle is made.

    `out` is the new folder, None for `bundles/RUN_ID` of the workspace; `force` replaces an older
    bundle there. `half` stores the weights in half precision. With `wheels`, the bundle holds comp
    itself and what Kaggle's image lacks for this version of Python.
    """

    out: Path | None = None
    half: bool = False
    wheels: bool = False
    python: str = "3.11"
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class BundleResult:
    """What `comp bundle` wrote, as `--json` shows it."""

    run_id: str
    competition: str
    folder: Path
    manifest: str
    """The id of the manifest."""
    files: int
    bytes: int
    weights_bytes: int
    """Bytes of the weights alone."""
    wheels: bool
    half: bool
    unfinished: Mapping[str, Sequence[int]]
    """Run -> its folds that are not trained."""
    notes: Sequence[str]


def make_bundle(
    run_id: str, workspace: Workspace, options: BundleOptions, note: Note
) -> BundleResult:
    """Make the bundle of a run, or of a blend of runs.

    Raises:
        RunError: there is no such run, none of its folds is finished, the folder exists, or the run
            cannot be predicted without comp.
    """
    run = RunFolder(workspace.find_run(run_id))
    record = run.record("competition", "config")
    competition = registry.get(record["competition"])
    target = (options.out or workspace.out / "bundles" / run.run_id).absolute()
    check_target(target, options.force)
    notes = check_plugin(run.run_id, record, competition)
    if options.wheels:
        from comp.bundle.wheels.build import fill_with_wheels

        members = [] if member_ids(record) else [member_of(run)]
        with new_bundle(target) as folder:
            notes += fill_with_wheels(folder, run, workspace, options.python, options.half)
            manifest = write_manifest(folder, run.run_id)
    else:
        members = members_of(run, workspace)
        plain = describe_plain(run, members, competition, workspace)
        with new_bundle(target) as folder:
            write_plain(folder, plain, trainings_of(members), options.half, note)
            manifest = write_manifest(folder, run.run_id)
    unfinished = {m.run.run_id: m.unfinished for m in members if m.unfinished}
    notes += [_unfinished_note(m) for m in members if m.unfinished]
    if record.get("synthetic"):
        notes.append(
            f"run {run.run_id} is on synthetic data: its predictions mean nothing, and "
            "'comp submit' does not send them"
        )
    for text in notes:
        note(text)
    sizes = {name: entry["bytes"] for name, entry in manifest["files"].items()}
    return BundleResult(
        run_id=run.run_id,
        competition=competition.name,
        folder=target,
        manifest=manifest["id"],
        files=len(sizes) + 1,
        bytes=sum(sizes.values()),
        weights_bytes=sum(size for name, size in sizes.items() if _is_weights(name)),
        wheels=options.wheels,
        half=options.half,
        unfinished=unfinished,
        notes=notes,
    )


def _is_weights(name: str) -> bool:
    return name.startswith("weights/") or name.endswith("/model.safetensors")


def _unfinished_note(member: Member) -> str:
    listed = ", ".join(map(str, member.unfinished))
    return (
        f"run {member.run.run_id}: folds {listed} are not trained; the others predict"
        if len(member.unfinished) > 1
        else f"run {member.run.run_id}: fold {listed} is not trained; the others predict"
    )


@dataclass(frozen=True, kw_only=True)
class Plain:
    """A bundle that needs no comp: its program and its description."""

    program: str
    description: Mapping[str, Any]


def describe_plain(
    run: RunFolder, members: Sequence[Member], competition: Competition, workspace: Workspace
) -> Plain:
    """Describe a run, and assemble its program; nothing is written.

    Raises:
        CompError: the run cannot be predicted without comp, or its data is missing.
    """
    from comp.bundle.describe import describe
    from comp.bundle.needed import needed_kinds

    description = describe(run, workspace)
    program = assemble(
        description["own"],
        kinds=needed_kinds(description),
        title=_title(run, members, competition),
    )
    return Plain(program=program, description=description)


def write_plain(
    folder: Path, plain: Plain, trainings: Sequence[Training], half: bool, note: Note
) -> None:
    """Write the files of a plain bundle, without the manifest."""
    write_text(folder / PROGRAM, plain.program)
    write_json(folder / DESCRIPTION, plain.description)
    for number, training in enumerate(trainings, start=1):
        copy_weights(training.folder / "model.safetensors", folder / training.weights, half)
        if number % 10 == 0:
            note(f"weights {number}/{len(trainings)}")


def _title(run: RunFolder, members: Sequence[Member], competition: Competition) -> str:
    """The docstring of the program: what it is, of which run, and how it is used."""
    several = len(members) > 1
    blended = f", a blend of {', '.join(m.run.run_id for m in members)}" if several else ""
    what = (
        f"Run {run.run_id} of comp {__version__}{blended}. bundle.json says what the run is, "
        "weights/ has its networks, and manifest.json the SHA-256 of every file. 'comp bundle' put "
        "this program together from the parts of comp that the run needs; types in annotations may "
        "name what only comp has."
    )
    needs = (
        "It needs numpy, pandas, Pillow, torch, timm and safetensors, and no internet. It finds "
        "the data of the competition by itself, anywhere below --input. On Kaggle, add this folder "
        "to a notebook as a data set, and run it there:"
    )
    lines = [
        f"Predicts the test images of {competition.title} and writes submission.csv.",
        "",
        fill(what, 100),
        "",
        fill(needs, 100),
        "",
        "    python predict.py --input /kaggle/input --output /kaggle/working",
    ]
    return "\n".join(line.replace("\\", "/").replace('"""', "'''") for line in lines)
