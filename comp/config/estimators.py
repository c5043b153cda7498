"""The sections `gbdt`, `linear` and `knn`: settings of models that are not networks."""

from __future__ import annotations

from pydantic import Field

from comp.config.section import Section


class GbdtConfig(Section):
    """Boosted trees: model = gbdt, lightgbm, xgboost or catboost."""

    iterations: int = Field(
        3000, ge=1, description="most trees per output; early stopping usually takes fewer"
    )
    lr: float = Field(0.05, gt=0, le=1, description="learning rate: the weight of each tree")
    leaves: int = Field(31, ge=2, description="most leaves of a tree")
    depth: int | None = Field(None, ge=1, description="most levels of a tree; unset: no limit")
    min_leaf: int = Field(20, ge=1, description="fewest training rows in a leaf")
    l2: float = Field(1.0, ge=0, description="L2 regularization of the values of leaves")
    rows: float = Field(
        0.8, gt=0, le=1, description="share of the rows that a tree sees (not gbdt itself)"
    )
    columns: float = Field(
        0.5, gt=0, le=1, description="share of the columns that a tree or split sees"
    )
    patience: int = Field(
        100, ge=1, description="early stopping: trees without a better loss on held-out rows"
    )
    holdout: float = Field(
        0.2, gt=0, lt=1, description="share of the training rows that early stopping holds out"
    )
    bags: int = Field(
        1, ge=1, le=100, description="fits on all training rows with other seeds, averaged"
    )
    threads: int | None = Field(None, ge=1, description="threads of a fit; unset: the CPU cores")


class LinearConfig(Section):
    """Logistic or ridge regression: model = linear."""

    strength: float | None = Field(
        None, gt=0, description="L2 regularization; unset: the best on held-out training rows"
    )


class KnnConfig(Section):
    """Nearest neighbours: model = knn."""

    neighbors: int | None = Field(
        None, ge=1, description="neighbours; unset: the best number on held-out training rows"
    )
