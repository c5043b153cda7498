"""Writes the networks of a run as ONNX files, and checks them with onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from comp.errors import ConfigError
from comp.export.built import Built, File, OnStage, copy_columns, farthest, in_files, shapes_of
from comp.export.check import (
    Agreement,
    agreement,
    check_batches,
    check_samples,
    example_of,
    refuse_difference,
)
from comp.export.graph import Prediction
from comp.export.networks import Entries, Part, RunReader
from comp.export.onnx_graph import Graphs, averaged, opset_of, save_graph
from comp.export.session import open_session
from comp.export.tree_graph import VALUES, trees_graph
from comp.export.trees import PROBES, LoadedTrees
from comp.pipeline.members import estimate_of

Shapes = Mapping[str, tuple[str, tuple[int | str, ...]]]


class OnnxWriter:
    """Writes the files of a run, and keeps the graph of each network in `scratch`, for int8."""

    def __init__(
        self, reader: RunReader, parts: Sequence[Part], scratch: Path, opset: int | None
    ) -> None:
        self.reader, self.parts, self.scratch, self.opset = reader, parts, scratch, opset
        self.run = reader.run
        self.dense = self.run.competition.task.output == "image"
        self.split, self.samples = check_samples(self.run)
        self.graphs = Graphs(opset, alike=not self.run.competition.columns)
        self.batches: dict[str, list[Entries]] = {}
        """The inputs of the check, by the name of a file."""
        self.expected: dict[str, list[np.ndarray]] = {}
        """What the networks of the run predict for `batches`."""
        self.probes: dict[str, tuple[Entries, np.ndarray]] = {}
        """Made rows and what the trees of the run predict for them, by the name of a file."""

    def write(self, folder: Path, stage: OnStage) -> Built:
        """Write one file, or one for each network of columns.

        Raises:
            RunError: torch cannot export a network, or a file predicts something else.
        """
        files: list[File] = []
        found: list[Agreement] = []
        opset = 0
        for name, parts in in_files(self.run, self.parts):
            made = [self._graph(part, name, stage) for part in parts]
            stage("checking with onnxruntime")
            whole = averaged(made, _shares(parts), [part.name for part in parts])
            opset = opset_of(whole)
            self._check_opset(opset)
            path = folder / f"{name}.onnx"
            save_graph(whole, path)
            found.append(self.check(name, path))
            refuse_difference(found[-1], "ONNX")
            self._check_probes(name, path)
            columns = copy_columns(self.run, parts[0], folder)
            inputs = self._shapes(name)[0] if columns else {}
            files.append(File(path=path, parts=parts, columns=columns, inputs=inputs))
        return Built(
            files=files,
            agreement=farthest(found),
            inputs={n: spec for file in files for n, spec in file.inputs.items()}
            or self._shapes(files[0].path.stem)[0],
            output=self._shapes(files[0].path.stem)[1],
            how={"opset": opset, "exporter": self.graphs.exporter},
            notes=[*_traced_note(self.graphs.exporter), *self._tree_notes()],
        )

    def _shapes(self, name: str) -> tuple[Shapes, tuple[int | str, ...]]:
        outputs = self.expected[name][0].shape[-1]
        return shapes_of(self.batches[name][0], self.dense, int(outputs))

    def _check_probes(self, name: str, path: Path) -> None:
        """Compare a file of trees with its trees on made rows."""
        if name in self.probes:
            entries, expected = self.probes[name]
            found = agreement("made", [entries], [expected], open_session(path))
            refuse_difference(found, "ONNX")

    def _tree_notes(self) -> list[str]:
        if not self.probes:
            return []
        return [
            f"each file of trees was also compared with its trees on {PROBES} made rows: values at "
            "thresholds and beside them, gaps, and unknown categories"
        ]

    def check(self, name: str, path: Path) -> Agreement:
        """Compare a file with the networks of the run that it has."""
        return agreement(self.split, self.batches[name], self.expected[name], open_session(path))

    def graph_of(self, part: Part) -> Path:
        """The file of the graph of one network."""
        return self.scratch / f"{part.name}.onnx"

    def _graph(self, part: Part, name: str, stage: OnStage) -> Any:
        stage(f"exporting {part.name}")
        if not part.is_network:
            return self._trees(part, name)
        loaded = self.reader.load(part)
        if name not in self.batches:
            self.batches[name] = check_batches(loaded, self.samples, self.dense)
        share = part.weight / sum(p.weight for p in self._beside(part, name))
        predicted = [loaded.predict(each).astype(np.float64) * share for each in self.batches[name]]
        before = self.expected.get(name)
        self.expected[name] = (
            [a + b for a, b in zip(before, predicted, strict=True)] if before else predicted
        )
        module = Prediction(loaded.network, loaded.competition).eval()
        example = example_of(self.batches[name][1], self.dense, module.multiple)
        graph = self.graphs.of(module, example)
        save_graph(graph, self.graph_of(part))
        return graph

    def _trees(self, part: Part, name: str) -> Any:
        """The graph of the trees of a fold, which are alone in their file."""
        loaded = LoadedTrees.of(self.run, part)
        self.batches[name] = check_batches(loaded, self.samples, False)
        self.expected[name] = [loaded.predict(each) for each in self.batches[name]]
        made = loaded.probes(self.samples)
        self.probes[name] = made, loaded.predict(made)
        width = self.batches[name][0][VALUES].shape[1]
        estimate = estimate_of(self.run.competition.task)
        return trees_graph(loaded.estimator, estimate, width, self.opset)

    def _beside(self, part: Part, name: str) -> Sequence[Part]:
        """The networks in the file of a network."""
        return dict(in_files(self.run, self.parts)).get(name, [part])

    def _check_opset(self, found: int) -> None:
        if self.opset is not None and found != self.opset:
            raise ConfigError(
                f"--opset {self.opset}: this network needs opset {found}, and torch cannot write "
                "it for another one: leave the option out"
            )


def _shares(parts: Sequence[Part]) -> list[float]:
    """The weights of networks in one file, of sum 1."""
    total = sum(part.weight for part in parts)
    return [part.weight / total for part in parts]


def _traced_note(exporter: str) -> list[str]:
    if exporter != "tracing":
        return []
    return [
        "torch.export cannot follow this network, so the graph was traced by torch's older "
        "exporter, which torch will remove: the check on real samples still holds"
    ]
