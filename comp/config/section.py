"""The base of every section of a configuration, also of the options of a plugin.

It has a module of its own because plugins import it, and `comp list` imports the plugins.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of the configuration: frozen, with strict types and no unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        defer_build=True,  # validators are built at first use: 'comp list' needs none
    )


class NoOptions(Section):
    """The options of a competition that does not define any."""
