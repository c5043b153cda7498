"""The treatment of columns, fitted on training rows: what models get instead of cells."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.config.columns import ColumnsConfig
from comp.data.columns.cells import Row
from comp.data.columns.features import IGNORED, Features, ReadCells
from comp.data.columns.kinds import Column, find_kinds
from comp.data.columns.matrices import NetworkMatrix, TreeMatrix
from comp.data.columns.scaling import Scaling
from comp.errors import RunError
from comp.files import write_text

if TYPE_CHECKING:
    import numpy as np

FORMAT = "comp columns 1"


@dataclass(frozen=True)
class Treatment:
    """What the training rows of a fold have decided. It never sees targets.

    `names` are the numbers that models get, `flagged` those whose gaps are flagged for networks,
    and `logs` those that networks see as sign * log(1 + |x|).
    """

    features: Features
    names: Sequence[str]
    flagged: Sequence[str]
    logs: Sequence[str]
    scaling: Scaling

    @classmethod
    def fit(
        cls, rows: Sequence[Row], config: ColumnsConfig, kinds: Sequence[Column] | None = None
    ) -> Treatment:
        """Fit on the training rows of a fold.

        Args:
            kinds: the kinds that `find_kinds` has found in all training rows, so that all folds
                have the same; None: found in these rows.

        Raises:
            ConfigError, DataError: see `find_kinds`.
        """
        import numpy as np

        columns = find_kinds(rows, config) if kinds is None else kinds
        features = Features.fit(columns, rows, config)
        numbers = features.numbers(rows)
        names = [name for name, values in numbers.items() if _varies(values)]
        sources = {
            c.name if c.kind == "number" else features.added_name(f"{c.name} days") for c in columns
        }
        gaps = [name for name in names if np.isnan(numbers[name]).any()]
        flagged = [name for name in gaps if name in sources or name.endswith(" frequency")]
        logs = [name for name in names if name in config.log]
        scaling = Scaling.fit(_stack(numbers, names, logs, len(rows)), config.scale)
        return cls(features, names, flagged, logs, scaling)

    def for_trees(self, rows: Sequence[Row]) -> TreeMatrix:
        """Numbers with NaN for gaps, then codes 0, 1, ... of categories with NaN for gaps and
        unknown categories.

        Raises:
            DataError: a row lacks a column.
        """
        return self.trees_of(self.features.read(rows))

    def trees_of(self, cells: ReadCells) -> TreeMatrix:
        """What `for_trees` returns, of rows that `self.features` has read."""
        import numpy as np

        numbers, codes = self.features.combined(cells.parts), cells.codes
        categories = [np.where(code > 0, code - 1.0, np.nan) for code in codes.values()]
        values = [_stack(numbers, self.names, (), cells.count), *(c[:, None] for c in categories)]
        return TreeMatrix(
            values=np.concatenate(values, axis=1),
            names=(*self.names, *codes),
            categorical=np.array([False] * len(self.names) + [True] * len(codes), dtype=bool),
        )

    def for_network(self, rows: Sequence[Row]) -> NetworkMatrix:
        """Scaled numbers, flags of gaps, and indices of categories.

        Raises:
            DataError: a row lacks a column.
        """
        return self.network_of(self.features.read(rows))

    def network_of(self, cells: ReadCells) -> NetworkMatrix:
        """What `for_network` returns, of rows that `self.features` has read."""
        import numpy as np

        numbers, codes = self.features.combined(cells.parts), cells.codes
        scaled = self.scaling.apply(_stack(numbers, self.names, self.logs, cells.count))
        flags = np.isnan(_stack(numbers, self.flagged, (), cells.count)).astype(np.float32)
        empty = np.zeros((cells.count, 0), dtype=np.int64)
        return NetworkMatrix(
            numbers=np.concatenate([scaled, flags], axis=1),
            number_names=(*self.names, *(f"{name} is a gap" for name in self.flagged)),
            categories=np.stack(list(codes.values()), axis=1) if codes else empty,
            category_names=tuple(codes),
            cardinalities=tuple(len(levels) + 1 for levels in self.features.levels.values()),
        )

    def notes(self, rows: Sequence[Row]) -> list[str]:
        """What the user should know of rows that are not training rows, such as cells that cannot
        be read and count as gaps.

        Raises:
            DataError: a column is missing, or half of its cells cannot be read.
        """
        return self.features.notes(rows)

    def record(self) -> dict[str, Any]:
        """Kind, numbers and note of each column, in values of JSON."""
        levels = self.features.levels
        columns: dict[str, Any] = {}
        for column in self.features.columns:
            entry: dict[str, Any] = {"kind": column.kind}
            if column.form not in ("", "plain"):
                entry["form"] = column.form
            if column.name in levels:
                entry["categories"] = len(levels[column.name])
            if column.note:
                entry["note"] = column.note
            columns[column.name] = entry
        used = {c.name for c in self.features.columns if c.kind not in IGNORED}
        added = [name for name in self.names if name not in used]
        return {"columns": columns, "added": added, "scale": self.scaling.how}

    def save(self, path: Path) -> None:
        """Write all that is fitted as one JSON file, about as large as the categories and quantiles
        are."""
        write_text(path, json.dumps({"format": FORMAT, **asdict(self)}, allow_nan=False))

    @classmethod
    def load(cls, path: Path) -> Treatment:
        """Read what `save` wrote.

        Raises:
            RunError: the file is missing, damaged, or not one of a treatment.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            if values.pop("format") != FORMAT:
                raise ValueError(f"it is not of the format '{FORMAT}'")
            features = values.pop("features")
            columns = tuple(Column(**column) for column in features.pop("columns"))
            scaling = Scaling(**values.pop("scaling"))
            return cls(Features(columns, **features), scaling=scaling, **values)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise RunError(
                f"cannot read {path} ({error}): restore it, or start a new run"
            ) from None


def _varies(values: np.ndarray) -> bool:
    """Whether numbers, of which some may be NaN, are not all equal."""
    import numpy as np

    present = values[~np.isnan(values)]
    if not len(present):
        return False
    return len(present) < len(values) or bool((present != present[0]).any())


def _stack(
    numbers: Mapping[str, np.ndarray], names: Sequence[str], logs: Sequence[str], rows: int
) -> np.ndarray:
    """Numbers as an array float64 (N, F), some of them as sign * log(1 + |x|)."""
    import numpy as np

    stacked = np.empty((rows, len(names)), dtype=np.float64)
    for i, name in enumerate(names):
        values = numbers[name]
        stacked[:, i] = np.sign(values) * np.log1p(np.abs(values)) if name in logs else values
    return stacked
