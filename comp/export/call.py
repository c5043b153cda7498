"""`comp.write_export`, the call in Python, and what `comp export` does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal, get_args

from comp.errors import ConfigError, RunError
from comp.pipeline.ranked_call import in_rank_0
from comp.pipeline.run_view import Run
from comp.report.libraries import quiet_libraries
from comp.signals import handle_signals
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.export.built import Built, OnStage
    from comp.export.exported import Exported
    from comp.export.int8 import Int8
    from comp.export.networks import Part, RunReader
    from comp.review.facts import RunFacts

PathLike = str | os.PathLike[str]
Format = Literal["onnx", "torchscript", "safetensors"]
FORMATS: tuple[str, ...] = get_args(Format)


@in_rank_0
def write_export(
    run: Run | str,
    *,
    to: Format = "onnx",
    fold: int | None = None,
    out: PathLike | None = None,
    int8: bool = False,
    opset: int | None = None,
    force: bool = False,
    runs: PathLike | None = None,
) -> Exported:
    """Write the networks of a run for other programs, and check them, as `comp export` does.

    The result has `folder`, `files`, and `described`, the contents of model.json: the check
    against the run's own networks and, with `int8`, the loss of score out of fold.

    Args:
        run: a run, its id, or the beginning of its id.
        to: "onnx", "torchscript" or "safetensors".
        fold: the networks of one fold; None: those of all finished folds, averaged.
        out: a new folder; `exports/<run id>-<to>` if None.
        int8: also write an int8 form, of ONNX.
        opset: the version of ONNX's operators; None: that of torch.
        force: replace an earlier export.
        runs: the `out` of the run; the current folder if None.

    Raises:
        ConfigError: a library is missing, or the options contradict each other.
        RunError: no such run, one without networks, or a file that predicts something else.
        DataError: the data is missing or has changed.
    """
    quiet_libraries()
    workspace = Workspace.at(Path.cwd(), Path(runs).expanduser().absolute() if runs else None)
    if isinstance(run, Run):
        workspace = run.workspace
    with handle_signals():
        return write_to_folder(
            run.run_id if isinstance(run, Run) else run,
            workspace,
            to=to,
            fold=fold,
            out=Path(out).expanduser() if out else None,
            int8=int8,
            opset=opset,
            force=force,
        )


def write_to_folder(
    run_id: str,
    workspace: Workspace,
    *,
    to: str,
    fold: int | None = None,
    out: Path | None = None,
    int8: bool = False,
    opset: int | None = None,
    force: bool = False,
    on_stage: OnStage | None = None,
) -> Exported:
    """Write an export; the arguments and the errors are those of `write_export`."""
    from comp.export.libraries import check_libraries

    _check_options(to, int8, opset)
    check_libraries(to)
    from comp.export.exportable import check_exportable
    from comp.export.networks import RunReader, parts_of
    from comp.export.place import check_place, new_place
    from comp.pipeline.run_oof import read_run_oof
    from comp.review.facts import read_facts
    from comp.runs.folder import RunFolder

    folder = RunFolder(workspace.find_run(run_id))
    suffix = "" if fold is None else f"-fold-{fold}"
    place = (out or workspace.out / "exports" / f"{folder.run_id}-{to}{suffix}").absolute()
    check_place(place, force)
    stage = on_stage or (lambda _text: None)
    stage("reading the run")
    facts = read_facts(folder.run_id, workspace)
    run = facts.oof or read_run_oof(folder, workspace)
    check_exportable(run, to, int8)
    every = parts_of(run, fold)
    parts = [part for part in every if part.weight > 0]
    unused = [part.name for part in every if not part.weight > 0]
    with new_place(place) as aside, TemporaryDirectory() as scratch:
        reader = RunReader(run)
        built, quantized = _build(reader, parts, to, aside, Path(scratch), (int8, opset), stage)
        if to == "onnx":
            built = _blended(reader, built, fold, aside, unused)
        stage("writing the model card")
        return _finish(facts, built, quantized, to, aside, place, parts)


def _blended(
    reader: RunReader, built: Built, fold: int | None, folder: Path, unused: Sequence[str]
) -> Built:
    """The files with the check of their mean, and a note of models that a blend does not use."""
    from dataclasses import replace

    from comp.export.blended import check_blend
    from comp.export.networks import trainings_of

    blend = check_blend(reader, trainings_of(reader.run, fold), built.files, folder)
    notes = [*built.notes]
    if unused:
        notes.append(f"left out, because the blend gives them the weight 0: {', '.join(unused)}")
    return replace(built, blend=blend, notes=notes)


def _check_options(to: str, int8: bool, opset: int | None) -> None:
    if to not in FORMATS:
        raise ConfigError(f"--to {to}: use {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")
    for name, given in (("--int8", int8), ("--opset", opset is not None)):
        if given and to != "onnx":
            raise ConfigError(
                f"{name} is for ONNX, and --to is {to}: leave it out, or use --to onnx"
            )


def _build(
    reader: RunReader,
    parts: Sequence[Part],
    to: str,
    folder: Path,
    scratch: Path,
    of_onnx: tuple[bool, int | None],
    stage: OnStage,
) -> tuple[Built, Int8 | None]:
    int8, opset = of_onnx
    if to == "torchscript":
        from comp.export.torchscript import write_torchscript

        return write_torchscript(reader, parts, folder, stage), None
    if to == "safetensors":
        from comp.export.weights_files import write_weights

        return write_weights(reader, parts, folder, stage), None
    from comp.export.int8 import write_int8
    from comp.export.onnx_files import OnnxWriter

    writer = OnnxWriter(reader, parts, scratch, opset)
    built = writer.write(folder, stage)
    return built, write_int8(writer, built.files, folder, stage) if int8 else None


def _finish(
    facts: RunFacts,
    built: Built,
    int8: Int8 | None,
    to: str,
    aside: Path,
    place: Path,
    parts: Sequence[Part],
) -> Exported:
    """Write the description, the card and the manifest."""
    from comp.export.card import card
    from comp.export.describe import describe, left_out
    from comp.export.exported import Exported
    from comp.export.place import CARD, DESCRIPTION, write_manifest
    from comp.files import write_json, write_text

    run = facts.oof
    if run is None:
        raise RunError(facts.oof_missing)
    described = describe(run, to, built, int8)
    write_json(aside / DESCRIPTION, described)
    write_text(aside / CARD, card(run, facts, described, built.notes))
    write_manifest(aside, run.run_id)
    files = [*built.files, *(int8.files if int8 else ())]
    return Exported(
        run_id=run.run_id,
        competition=run.competition.name,
        to=to,
        folder=place,
        files=[place / file.path.name for file in files],
        networks=len(parts),
        described=described,
        notes=[*run.notes, *left_out(run), *built.notes],
    )
