"""Networks as ONNX graphs: exported once, filled with the weights of each fold, and averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

from comp.errors import RunError
from comp.export.graph import Prediction
from comp.export.libraries import quiet
from comp.export.networks import Entries
from comp.export.session import open_session

OUTPUT = "prediction"
LARGEST = 1_900_000_000
"""Bytes of a graph with its weights in one file; ONNX files have less than 2 GiB."""
_AXES = {"image": ("batch", "height", "width")}


class Graphs:
    """Makes the ONNX graph of each network of a run.

    The graph is exported for the first network. The others have the same layers, so that they get
    their own weights in the same graph, unless `alike` is false.
    """

    def __init__(self, opset: int | None, alike: bool = True) -> None:
        self.opset, self.alike = opset, alike
        self.exporter = ""
        """How the graph was made: torch.export, or the older tracing."""
        self._template: Any = None

    def of(self, module: Prediction, example: Entries) -> Any:
        """The graph of a network, an onnx.ModelProto.

        Args:
            example: inputs of two samples.

        Raises:
            RunError: torch cannot export the network.
        """
        if self._template is not None:
            return _with_weights(self._template, module)
        with quiet():
            try:
                template, self.exporter = self._exported(module, example), "torch.export"
                graph = _optimized(template)
                _check_opens(graph)
            except Exception as error:
                return self._traced(module, example, error)
        if self.alike and _weights_are_named(template, module):
            self._template = template
        return graph

    def _exported(self, module: Prediction, example: Entries) -> Any:
        program: Any = torch.onnx.export(
            module,
            _tensors(example),
            dynamo=True,
            input_names=list(example),
            output_names=[OUTPUT],
            dynamic_shapes=(tuple(_dims(name, module.dense) for name in example),),
            opset_version=self.opset,
            optimize=False,
            verbose=False,
        )
        return program.model_proto

    def _traced(self, module: Prediction, example: Entries, first: Exception) -> Any:
        """The graph by torch's older exporter, which follows the operations of the example."""
        import onnx

        axes = {name: dict(enumerate(_axes(name, module.dense))) for name in example}
        axes[OUTPUT] = dict(enumerate(_axes("image", module.dense)))
        with TemporaryDirectory() as folder:
            path = Path(folder) / "traced.onnx"
            try:
                torch.onnx.export(
                    module,
                    _tensors(example),
                    str(path),
                    dynamo=False,
                    input_names=list(example),
                    output_names=[OUTPUT],
                    dynamic_axes=axes,
                    opset_version=self.opset or 18,
                    verbose=False,
                )
            except Exception as error:
                raise RunError(
                    f"torch cannot export this network to ONNX ({_line(first)}; by tracing: "
                    f"{_line(error)}): export it with --to safetensors, or use 'comp bundle'"
                ) from error
            self.exporter, self.alike = "tracing", False
            return onnx.load(path)


def averaged(graphs: Sequence[Any], weights: Sequence[float], names: Sequence[str]) -> Any:
    """One graph that returns the weighted mean of the outputs of several graphs, which share their
    inputs.

    Args:
        names: of the graphs, as prefixes.
    """
    import onnx
    from onnx import compose, helper, numpy_helper

    if len(graphs) == 1:
        return graphs[0]
    merged = onnx.ModelProto()
    merged.CopyFrom(graphs[0])
    del merged.graph.node[:], merged.graph.initializer[:], merged.graph.value_info[:]
    parts = []
    for graph, weight, name in zip(graphs, weights, names, strict=True):
        renamed = compose.add_prefix(graph, f"{name}/", rename_inputs=False)
        merged.graph.node.extend(renamed.graph.node)
        merged.graph.initializer.extend(renamed.graph.initializer)
        merged.graph.value_info.extend(renamed.graph.value_info)
        share, part = f"{name}/weight", f"{name}/weighted"
        merged.graph.initializer.append(numpy_helper.from_array(np.float32(weight), share))
        out = renamed.graph.output[0].name
        merged.graph.node.append(helper.make_node("Mul", [out, share], [part], name=part))
        parts.append(part)
    merged.graph.node.append(helper.make_node("Sum", parts, [OUTPUT], name="mean"))
    return merged


def save_graph(graph: Any, path: Path) -> list[Path]:
    """Write a graph; returns its files. Weights of more than 1.9 GB get a file beside it."""
    import onnx

    if graph.ByteSize() < LARGEST:
        onnx.save(graph, str(path))
        return [path]
    beside = path.with_suffix(".weights")
    onnx.save(
        graph, str(path), save_as_external_data=True, location=beside.name, size_threshold=1024
    )
    return [path, beside]


def opset_of(graph: Any) -> int:
    """The version of the operators of a graph."""
    return next(int(each.version) for each in graph.opset_import if each.domain in ("", "ai.onnx"))


def _tensors(example: Entries) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(values) for values in example.values())


def _axes(name: str, dense: bool) -> tuple[str, ...]:
    """The names of the axes of an input that may have any length, from the first axis on."""
    return _AXES["image"] if dense and name == "image" else ("batch",)


def _dims(name: str, dense: bool) -> Mapping[int, Any]:
    return {index: torch.export.Dim(axis) for index, axis in enumerate(_axes(name, dense))}


def _state(module: nn.Module) -> dict[str, torch.Tensor]:
    return dict(module.named_parameters()) | dict(module.named_buffers())


def _weights_are_named(template: Any, module: nn.Module) -> bool:
    """Whether each weight of a network that its graph has is there by its name."""
    known = {initializer.name for initializer in template.graph.initializer}
    return set(dict(module.named_parameters())) <= known


def _with_weights(template: Any, module: nn.Module) -> Any:
    """The graph with the weights of another network of the same layers."""
    import onnx
    from onnx import numpy_helper

    graph, state = onnx.ModelProto(), _state(module)
    graph.CopyFrom(template)
    for index, initializer in enumerate(template.graph.initializer):
        value = state.get(initializer.name)
        if value is not None:
            array = value.detach().cpu().contiguous().numpy()
            graph.graph.initializer[index].CopyFrom(
                numpy_helper.from_array(array, initializer.name)
            )
    return _optimized(graph)


def _optimized(graph: Any) -> Any:
    """The graph without steps that are constant."""
    import onnx
    from onnxscript import optimizer

    copy = onnx.ModelProto()
    copy.CopyFrom(graph)
    with quiet():
        return optimizer.optimize(copy)


def _check_opens(graph: Any) -> None:
    """Raises what onnxruntime raises for a graph that it refuses; torch writes some."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "opened.onnx"
        save_graph(graph, path)
        open_session(path)


def _line(error: Exception) -> str:
    """The first line of an error that says something."""
    cause = error.__cause__ or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return (lines[0] if lines else type(cause).__name__)[:160]
