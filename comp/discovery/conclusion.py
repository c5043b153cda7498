"""What an inspection of data concludes, how sure it is, and what it cannot know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Certainty = Literal["sure", "likely", "guess"]


@dataclass(frozen=True)
class Finding:
    """One conclusion: what it is, the evidence, and how sure it is."""

    what: str
    """A short sentence, such as "the ids are in the column image_id"."""
    why: str
    """The evidence, such as "all 4,000 name a file of train_images"."""
    certainty: Certainty = "sure"


@dataclass(frozen=True)
class Missing:
    """What the data cannot say: a question for the user."""

    question: str
    """A question that ends with a question mark."""
    choices: tuple[str, ...]
    """Possible answers, the most likely first; () if there is no list."""
    found: str
    """What was found instead, for the message."""
    advice: str = ""
    """What the user can do, if an answer alone does not help."""
    argument: str = ""
    """The key of `answers` of `look` that takes the answer, such as "labels" or "target"; "" if
    the layout is not supported."""


@dataclass(frozen=True)
class Code:
    """An argument that is not a literal: `text` is an expression of the `name` of a module."""

    text: str
    module: str
    name: str

    def __repr__(self) -> str:
        """The expression itself."""
        return self.text


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """Everything that a plugin needs but its name, title and address on Kaggle.

    If `missing` is not empty, the other fields are what is known so far, and "" or empty if nothing
    is.
    """

    form: str = ""
    """The layout: "class folders", "labels csv", "multi-hot", "label lists", "numbers", "grades",
    "run lengths", "mask folders", "pairs", "pixel columns", "table", "table with images", "labels
    in file names"."""
    factory: str = ""
    """Dotted name of the factory, such as "comp.tasks.image_table.image_table"."""
    task: str = ""
    """The argument `task` as an expression, such as 'multilabel(("a", "b"))', whose function is in
    the module of its name in `comp.tasks`; "" if the factory takes none."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """Further keyword arguments of the factory, in order: literals, or `Code`. Without name, title,
    kaggle, task and metric."""
    metric: str = ""
    """The argument `metric`: a name of `comp.contract.metrics`, such as "mean-auc"."""
    findings: tuple[Finding, ...] = ()
    missing: tuple[Missing, ...] = ()
    root: Path | None = None
    """The folder below which the paths of `arguments` are; that of the content of a zip."""

    @property
    def known(self) -> bool:
        """Whether a plugin can be written."""
        return bool(self.factory) and not self.missing

    @property
    def certainty(self) -> Certainty:
        """That of the least certain finding."""
        order: Sequence[Certainty] = ("guess", "likely", "sure")
        return min((f.certainty for f in self.findings), key=order.index, default="sure")
