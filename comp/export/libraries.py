"""The libraries of an export: are they installed, and how to keep them quiet."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from comp.errors import ConfigError

OF_ONNX = ("onnx", "onnxscript", "onnxruntime")
"""What ONNX needs beside torch."""
_LOUD = ("torch.onnx", "onnxscript", "onnx_ir", "onnxruntime", "torch.export")
"""Loggers that tell the user what only the exporter needs to know."""


def check_libraries(to: str) -> None:
    """Check that the libraries of a format are installed, without importing them.

    Raises:
        ConfigError: one is not.
    """
    missing = [name for name in OF_ONNX if find_spec(name) is None] if to == "onnx" else []
    if missing:
        raise ConfigError(
            f"comp export --to onnx needs {', '.join(missing)}: install with 'pip install "
            f"{' '.join(OF_ONNX)}', or use --to safetensors"
        )


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the warnings and logs of the exporters inside the block: what an export says of its
    own file is what `comp.export.check` measured."""
    loggers = [logging.getLogger(name) for name in (*_LOUD, "")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)
