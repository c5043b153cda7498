"""The section `pseudo`: unlabelled samples that train with the predictions of an earlier run."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from comp.config.key_types import AbsolutePath
from comp.config.section import Section


class PseudoConfig(Section):
    """Pseudo-labels. `comp pseudo` sets them for a new run."""

    run: str | None = Field(
        None,
        description="id of a finished run: the models of its fold k label samples that train in "
        "fold k; 'comp pseudo' sets it",
    )
    data: AbsolutePath | None = Field(
        None,
        description="folder or zip in the layout of the competition, whose test samples get the "
        "pseudo-labels; unset: the test samples of the run",
    )
    labels: Literal["auto", "soft", "hard"] = Field(
        "auto",
        description="soft: probabilities are the targets; hard: the most probable class; auto: "
        "soft if the model and its loss can learn them",
    )
    confidence: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="take only samples whose most probable class (of several labels: each label) "
        "has at least this probability",
    )
    weight: float = Field(
        1.0, gt=0, description="weight of a pseudo-labelled sample in the loss; others have 1"
    )
    most: float | None = Field(
        None,
        gt=0,
        description="take at most this many samples for each labelled training sample, at random",
    )
