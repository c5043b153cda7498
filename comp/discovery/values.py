"""What label values are: classes, grades, labels, numbers or run lengths."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comp.discovery.conclusion import Certainty, Finding
from comp.discovery.label_names import MOST_CLASSES, ordered_names, separator_of
from comp.discovery.metric_hint import MetricHint
from comp.discovery.tables import GAPS, Column, words_of

if TYPE_CHECKING:
    import numpy as np

FEW = 30
"""Different whole numbers that can be classes without further evidence."""
GRADE_WORDS = frozenset(
    {"grade", "level", "stage", "severity", "quality", "rating", "stars", "isup", "kl", "degree",
     "diagnosis", "rank", "tier", "score"}
)  # fmt: skip
CLASS_WORDS = frozenset(
    {"label", "labels", "class", "category", "species", "breed", "type", "kind", "cultivar", "id",
     "variety", "genus", "family", "digit", "letter", "character", "target", "genre"}
)  # fmt: skip
NUMBER_WORDS = frozenset(
    {"age", "count", "counts", "price", "weight", "height", "width", "length", "size", "amount",
     "sales", "demand", "temperature", "year", "years", "number", "cost", "income", "value", "time",
     "duration", "area", "volume", "distance", "mass", "rings"}
)  # fmt: skip


@dataclass(frozen=True)
class Labels:
    """What the cells of the label columns of a table are."""

    kind: str
    """"binary", "multiclass", "multilabel", "ordinal", "regression" or "masks"."""
    form: str
    """The form of the conclusion."""
    names: tuple[str, ...]
    """Names of the classes, labels or numbers, in the order of the task."""
    columns: tuple[str, ...]
    """The label columns; those of several classes or labels in the order of the names."""
    separator: str = ""
    allow_blank: bool = False
    limits: tuple[float, float] | None = None
    log: bool = False
    finding: Finding | None = None

    @property
    def task(self) -> str:
        """The task as an expression."""
        if self.kind == "ordinal":
            plain = self.names == tuple(map(str, range(len(self.names))))
            return f"ordinal({len(self.names) if plain else self.names!r})"
        if self.kind == "regression":
            limits = f", limits={self.limits!r}" if self.limits else ""
            return f"regression({self.names!r}{', log=True' * self.log}{limits})"
        return f"{self.kind}({self.names!r})"


def labels_of_column(
    column: Column, wanted: Column | None, hint: MetricHint, said: str | None = None
) -> Labels | None:
    """What the cells of one label column are; None if they are no labels.

    Args:
        wanted: the column of the sample submission, None if there is none or it has other values.
        said: the kind that the user names: classes, grades, labels or numbers.
    """
    if column.kind == "empty" or (column.kind == "text" and column.unique):
        return None
    if said in ("numbers", "grades", "classes", "labels"):
        return _as_said(column, said)
    if column.kind == "boolean":
        return _classes(column, "its values are truth values")
    if column.kind == "text":
        separator = separator_of(column)
        if separator:
            return _label_lists(column, separator)
        return _classes(column, "") if column.distinct <= MOST_CLASSES else None
    if column.distinct < 2:
        return None
    return _of_numbers(column, wanted, hint)


def _as_said(column: Column, said: str) -> Labels | None:
    """The labels as the user says."""
    why = "you say so"
    if said == "numbers":
        return _numbers(column, why, "sure") if column.numbers is not None else None
    if said == "grades":
        return _grades(column, why, "sure")
    if said == "labels":
        return _label_lists(column, separator_of(column) or " ")
    return _classes(column, why, "sure")


def _of_numbers(column: Column, wanted: Column | None, hint: MetricHint) -> Labels | None:
    """The labels of a column of numbers."""
    values, distinct = column.numbers, column.distinct
    assert values is not None
    words = words_of(column.name)
    if column.kind == "number":
        few = f", and only {distinct} different ones" if distinct <= 20 else ""
        return _numbers(column, f"the values are numbers with decimals{few}", "sure")
    for kind, make in (("regression", _numbers), ("ordinal", _grades), ("multiclass", _classes)):
        fits = hint.of(kind) and not (kind == "multiclass" and hint.of("regression"))
        if fits and (distinct > 2 or kind == "multiclass"):
            return make(column, f"the metric is {hint.said}", "sure")
    if distinct == 2:
        return _classes(column, "there are two different values", "sure")
    fractions = wanted is not None and wanted.kind == "number" and not _shares(wanted)
    if fractions:
        return _numbers(column, "the sample submission has numbers with decimals", "sure")
    if words & NUMBER_WORDS:
        return _numbers(column, f"whole numbers in a column {column.name}", "likely")
    low, high = int(values.min()), int(values.max())
    dense = high - low + 1 == distinct and low in (0, 1)
    if words & GRADE_WORDS and distinct <= 12:
        sure: Certainty = "likely" if words & (GRADE_WORDS - {"diagnosis", "score"}) else "guess"
        why = f"whole numbers {low} to {high} in a column {column.name}"
        return _grades(column, why, sure)
    if distinct <= FEW or (words & CLASS_WORDS and distinct * 2 <= len(values)):
        certainty: Certainty = "likely" if dense or words & CLASS_WORDS else "guess"
        return _classes(column, f"{distinct} different whole numbers", certainty)
    smooth = _smooth(values)
    why = f"{distinct} different whole numbers from {low} to {high}"
    if smooth or distinct * 4 > len(values) or not dense:
        return _numbers(column, why, "likely" if smooth else "guess")
    return _classes(column, why, "guess")


def _smooth(values: np.ndarray) -> bool:
    """Whether neighbouring numbers are about equally frequent, as of an age or a count."""
    import numpy as np

    low, high = values.min(), values.max()
    counts, _ = np.histogram(values, bins=min(int(high - low + 1), 60))
    if counts.std() == 0:
        return False
    return bool(np.corrcoef(counts[1:], counts[:-1])[0, 1] > 0.5)


def _shares(column: Column) -> bool:
    """Whether numbers are between 0 and 1, as probabilities."""
    values = column.numbers
    return values is not None and bool((values >= 0).all() and (values <= 1).all())


def _classes(column: Column, why: str, certainty: Certainty = "sure") -> Labels | None:
    """Exclusive classes, in the order of numbers or letters; of two, the negative one first."""
    names = ordered_names(_whole(column))
    if len(names) < 2:
        return None
    shown = f"{', '.join(names[:5])}{', ...' * (len(names) > 5)}"
    count = f"{len(names)} classes in {column.name}: {shown}"
    rare = min(column.counts.values())
    reason = why or f"{column.counts.total():,} rows have {len(names)} different texts"
    reason += f"; the rarest class has {rare}" * (rare < 5)
    kind = "binary" if len(names) == 2 else "multiclass"
    finding = Finding(count, reason, certainty)
    return Labels(kind, "labels csv", names, (column.name,), finding=finding)


def _grades(column: Column, why: str, certainty: Certainty) -> Labels | None:
    names = ordered_names(_whole(column))
    if len(names) < 3:
        return _classes(column, why, certainty)
    if column.numbers is None:
        why, certainty = f"{why}; they are in the order of letters, not of their rank", "guess"
    finding = Finding(f"{len(names)} grades in {column.name}: {', '.join(names)}", why, certainty)
    return Labels("ordinal", "grades", names, (column.name,), finding=finding)


def _numbers(column: Column, why: str, certainty: Certainty) -> Labels:
    values = column.numbers
    assert values is not None
    what = f"numbers from {values.min():g} to {values.max():g} in {column.name}"
    return Labels(
        "regression", "numbers", (column.name,), (column.name,), log=_wide(values),
        finding=Finding(what, why, certainty),
    )  # fmt: skip


def _wide(values: np.ndarray) -> bool:
    """Whether numbers of at least 0 span more than two powers of ten and are skewed, so that their
    logarithm is the better scale."""
    import numpy as np

    if values.min() < 0 or len(values) < 20:
        return False
    low, middle, high = np.quantile(values, (0.005, 0.5, 0.995)) + 1
    logs = np.log(np.quantile(values, (0.05, 0.5, 0.95)) + 1)
    linear = np.quantile(values, (0.05, 0.5, 0.95))
    return bool(high / low > 200 and high / middle > 4 and _skew(logs) < _skew(linear))


def _skew(quantiles: np.ndarray) -> float:
    """How far the median is from the middle of two quantiles, 0..1."""
    low, middle, high = quantiles
    return abs(float((high + low - 2 * middle) / (high - low))) if high > low else 0.0


def _whole(column: Column) -> Counter[str]:
    """How often each value occurs; 1.0 is written as 1."""
    if column.kind != "integer":
        return column.counts
    counts: Counter[str] = Counter()
    for text, count in column.counts.items():
        if text.lower() not in GAPS:
            counts[f"{float(text):.0f}" if "." in text else text] += count
    return counts


def _label_lists(column: Column, separator: str) -> Labels:
    counts: Counter[str] = Counter()
    for cell, count in column.counts.items():
        for part in filter(None, map(str.strip, cell.split(separator))):
            counts[part] += count
    names = ordered_names(counts)
    between = {" ": "a space"}.get(separator, f"'{separator}'")
    return Labels(
        "multilabel", "label lists", names, (column.name,), separator, column.gaps > 0,
        finding=Finding(
            f"{len(names)} labels in {column.name}, of which an image can have several",
            f"cells such as '{next(c for c in column.counts if separator in c):.40}' have several "
            f"names with {between} between them",
        ),
    )  # fmt: skip


_FLAGS = re.compile(r"[01](\.0+)?")


def labels_of_columns(columns: Sequence[Column]) -> Labels | None:
    """What the cells of several label columns are; None if they are neither 0 and 1 nor numbers."""
    import numpy as np

    names = tuple(column.name for column in columns)
    found = [column.numbers for column in columns]
    values = [numbers for numbers in found if numbers is not None]
    if len(values) < len(found) or any(column.gaps for column in columns):
        return None
    shown = f"{', '.join(names[:5])}{', ...' * (len(names) > 5)}"
    if all(set(column.counts) <= {"-1", "1"} for column in columns):
        return None
    if not all(_FLAGS.fullmatch(text) for column in columns for text in column.counts):
        low, high = min(v.min() for v in values), max(v.max() for v in values)
        limits = (0.0, 1.0) if low >= 0 and high <= 1 else None
        finding = Finding(f"{len(names)} numbers: {shown}", f"the columns have {low:g} to {high:g}")
        return Labels("regression", "numbers", names, names, limits=limits, finding=finding)
    rows = np.array([[float(cell or 0) for cell in column.cells] for column in columns])
    sums = rows.sum(axis=0)
    if (sums == 1).all() and len(names) > 2:
        why = "each row has exactly one 1 in these columns"
        finding = Finding(f"{len(names)} classes with a column each: {shown}", why)
        return Labels("multiclass", "multi-hot", names, names, finding=finding)
    why = f"the columns have 0 and 1, and a row has {sums.min():g} to {sums.max():g} of them"
    finding = Finding(f"{len(names)} labels with a column each: {shown}", why)
    return Labels("multilabel", "multi-hot", names, names, finding=finding)
