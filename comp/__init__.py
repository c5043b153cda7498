"""comp: a workflow for image competitions.

`import comp` is fast: the names of `comp.api` load their libraries when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from comp import errors as errors
    from comp.api import (
        Run,
        Stopped,
        blend,
        compare,
        competitions,
        embed,
        explain,
        explore,
        gather,
        load_run,
        new,
        predict,
        pseudo,
        race,
        resume,
        run,
        submit,
        tune,
        write_bundle,
        write_export,
        write_report,
    )

__version__ = "0.1.0"

__all__ = [
    "Run",
    "Stopped",
    "__version__",
    "blend",
    "compare",
    "competitions",
    "embed",
    "errors",
    "explain",
    "explore",
    "gather",
    "load_run",
    "new",
    "predict",
    "pseudo",
    "race",
    "resume",
    "run",
    "submit",
    "tune",
    "write_bundle",
    "write_export",
    "write_report",
]


if not TYPE_CHECKING:  # a type checker would accept every name

    def __getattr__(name: str) -> Any:
        """A name of `__all__`, from the module that defines it."""
        if name == "errors":
            return import_module("comp.errors")
        if name in __all__:
            return getattr(import_module("comp.api"), name)
        raise AttributeError(f"module 'comp' has no attribute '{name}'")


def __dir__() -> list[str]:
    return __all__
