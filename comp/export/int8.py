"""The int8 form of an ONNX export: made for each network, measured out of fold, then averaged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from comp.errors import RunError
from comp.export.built import File, OnStage, in_files
from comp.export.check import Agreement
from comp.export.networks import Entries
from comp.export.onnx_files import OnnxWriter
from comp.export.onnx_graph import averaged, save_graph
from comp.export.out_of_fold import Loss, calibration, measure_loss
from comp.export.quantize import SAMPLES, Method, quantize

MATRICES = 0.5
"""Networks with at least this share of their weights in matrices are also tried with ranges that
are measured anew for each input, if those of samples cost score."""


_Tried = tuple[Method, dict[str, Path], int, Loss | None, str]
"""A method, the file of each network, the samples on which its ranges were measured, what it costs,
and why that is not known."""


@dataclass(frozen=True, kw_only=True)
class Int8:
    """The int8 files of an export."""

    files: Sequence[File]
    method: Method
    calibrated: int
    """Samples on which the ranges of each network were measured."""
    loss: Loss | None
    """None if it could not be measured; `why_not` says why."""
    agreement: Agreement
    """How far the predictions are from those of the networks of the run."""
    bytes: int
    float_bytes: int
    why_not: str = ""
    notes: Sequence[str] = ()


def write_int8(writer: OnnxWriter, files: Sequence[File], folder: Path, stage: OnStage) -> Int8:
    """Write the int8 form of the files of an export beside them.

    The ranges of the activations are measured on samples of other folds than the one that the
    network held out, so that its held-out samples are new to the int8 network too.

    Raises:
        RunError: onnxruntime cannot make the networks int8.
    """
    tried: list[_Tried] = []
    failed = ""
    for method in _methods(writer):
        try:
            paths, count = _quantized(writer, method, stage)
        except RunError as error:
            failed = str(error)
            continue
        stage("scoring int8 out of fold")
        loss, why = _measured(writer, paths)
        tried.append((method, paths, count, loss, why))
        if loss is None or not loss.is_worse:
            break
    if not tried:
        raise RunError(failed)
    best = min(tried, key=lambda each: each[3].lost if each[3] else math.inf)
    stage("writing int8")
    return _written(writer, files, folder, best, _notes(tried, best, failed))


def _methods(writer: OnnxWriter) -> list[Method]:
    """What is tried, in turn."""
    share = matrix_share(writer.graph_of(writer.parts[0]))
    return ["static", "dynamic"] if share >= MATRICES else ["static"]


def matrix_share(path: Path) -> float:
    """The share of the weights of a graph that are in matrix products, not in convolutions."""
    import onnx

    graph = onnx.load(path).graph
    sizes = {each.name: len(each.raw_data) for each in graph.initializer}
    count = {"matrix": 0, "convolution": 0}
    for node in graph.node:
        kind = {"Gemm": "matrix", "MatMul": "matrix", "Conv": "convolution"}.get(node.op_type)
        if kind:
            count[kind] += sum(sizes.get(name, 0) for name in node.input[1:2])
    total = sum(count.values())
    return count["matrix"] / total if total else 0.0


def _quantized(writer: OnnxWriter, method: Method, stage: OnStage) -> tuple[dict[str, Path], int]:
    """The int8 file of each network, in the scratch folder, and the number of samples on which its
    ranges were measured."""
    paths: dict[str, Path] = {}
    samples: list[Entries] = []
    for part in writer.parts:
        stage(f"int8 of {part.name} ({method})")
        path = writer.scratch / f"{part.name}-{method}.onnx"
        if method == "static":
            loaded = writer.reader.load(part)
            samples = list(calibration(writer.run, loaded, part, SAMPLES))
        quantize(writer.graph_of(part), path, method, samples)
        paths[part.name] = path
    return paths, len(samples)


def _measured(writer: OnnxWriter, paths: dict[str, Path]) -> tuple[Loss | None, str]:
    floats = {part.name: writer.graph_of(part) for part in writer.parts}
    try:
        return measure_loss(writer.reader, writer.parts, [floats, paths], writer.scratch), ""
    except RunError as error:
        return None, str(error)


def _written(
    writer: OnnxWriter,
    files: Sequence[File],
    folder: Path,
    best: _Tried,
    notes: Sequence[str],
) -> Int8:
    import onnx

    method, paths, count, loss, why = best
    written: list[File] = []
    found: list[Agreement] = []
    for (name, parts), file in zip(in_files(writer.run, writer.parts), files, strict=True):
        graphs = [onnx.load(paths[part.name]) for part in parts]
        total = sum(part.weight for part in parts)
        whole = averaged(graphs, [p.weight / total for p in parts], [p.name for p in parts])
        path = folder / f"{name}-int8.onnx"
        save_graph(whole, path)
        found.append(writer.check(name, path))
        if not math.isfinite(found[-1].largest):
            raise RunError(f"{path.name} predicts numbers that are not finite: leave out --int8")
        written.append(replace(file, path=path))
    return Int8(
        files=written,
        method=method,
        calibrated=count,
        loss=loss,
        agreement=max(found, key=lambda each: each.largest),
        bytes=sum(file.path.stat().st_size for file in written),
        float_bytes=sum(file.path.stat().st_size for file in files),
        why_not=why,
        notes=notes,
    )


def _notes(
    tried: Sequence[_Tried],
    best: _Tried,
    failed: str,
) -> list[str]:
    notes = [f"first, {failed}"] if failed else []
    for method, *_, loss, _ in tried:
        if method != best[0] and loss:
            notes.append(f"int8 {method} was tried too, and scores {loss.int8_score:.5f}")
    return notes
