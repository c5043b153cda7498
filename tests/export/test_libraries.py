"""Without the libraries of ONNX one line says what to install; an export prints no warning."""

from __future__ import annotations

import logging
import warnings
from importlib.util import find_spec as real_find_spec
from typing import Any

import pytest

from comp.errors import ConfigError
from comp.export.libraries import check_libraries, quiet


def test_what_is_missing_and_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(name: str) -> Any:
        return None if name == "onnxscript" else real_find_spec(name)

    monkeypatch.setattr("comp.export.libraries.find_spec", find)
    with pytest.raises(ConfigError, match=r"needs onnxscript: .*pip install onnx onnxscript"):
        check_libraries("onnx")
    check_libraries("safetensors")
    check_libraries("torchscript")


def test_warnings_and_logs_are_silent_inside_alone(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("torch.onnx")
    with quiet():
        warnings.warn("of the exporter", DeprecationWarning, stacklevel=1)
        logger.warning("of the exporter")
    assert not caplog.records
    logger.warning("of somebody else")
    assert len(caplog.records) == 1
