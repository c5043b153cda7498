"""The sections `mlp` and `tabm`: networks of the columns of a table."""

from __future__ import annotations

from pydantic import Field

from comp.config.section import Section


class MlpConfig(Section):
    """A multilayer perceptron of columns: model = mlp."""

    layers: int = Field(3, ge=1, le=32, description="hidden layers")
    width: int = Field(256, ge=1, description="units of a hidden layer")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout rate after each hidden layer")
    bins: int = Field(
        32, ge=2, description="bins of a piecewise linear embedding of each column of numbers"
    )
    embedding: int = Field(12, ge=1, description="values of the embedding of a column")


class TabmConfig(Section):
    """TabM, many perceptrons that share most weights (Gorishniy et al., 2024): model = tabm."""

    members: int = Field(16, ge=1, description="perceptrons, whose predictions are averaged")
    layers: int = Field(2, ge=1, le=32, description="hidden layers")
    width: int = Field(192, ge=1, description="units of a hidden layer")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout rate after each hidden layer")
    bins: int = Field(
        32, ge=2, description="bins of a piecewise linear embedding of each column of numbers"
    )
    embedding: int = Field(12, ge=1, description="values of the embedding of a column of numbers")
