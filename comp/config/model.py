"""The key `model`: what learns a competition, one kind of model or several that are blended."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator

Estimator = Literal["gbdt", "lightgbm", "xgboost", "catboost", "linear", "knn"]
ColumnNetwork = Literal["mlp", "tabm"]
ModelName = Literal[
    "network", "mlp", "tabm", "gbdt", "lightgbm", "xgboost", "catboost", "linear", "knn"
]
NETWORK = "network"
"""The network of the competition, from images."""
COLUMN_NETWORKS: tuple[str, ...] = get_args(ColumnNetwork)
"""Networks from the columns of a table."""
ESTIMATORS: tuple[str, ...] = get_args(Estimator)
"""Models that are not networks; they learn from columns, or from the embeddings of images."""
MODELS: tuple[str, ...] = get_args(ModelName)


def split_names(value: object) -> object:
    """`--set model=gbdt` gives one name, `model=[gbdt,tabm]` and `model=gbdt,tabm` several."""
    if not isinstance(value, str):
        return value
    text = value.strip()
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") else text
    return [part.strip().strip("'\"") for part in inner.split(",")]


def _check_different(value: list[ModelName]) -> list[ModelName]:
    if not value:
        raise ValueError(f"give one or more of {', '.join(MODELS)}")
    repeated = [name for name in value if value.count(name) > 1]
    if repeated:
        raise ValueError(f"{repeated[0]} is given twice: a blend needs different models")
    return value


Models = Annotated[list[ModelName], BeforeValidator(split_names), AfterValidator(_check_different)]
