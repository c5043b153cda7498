"""The device of a run that trains on other machines."""

from __future__ import annotations

import pytest
import torch

from comp.config.schema import resolve
from comp.training import elsewhere as module
from comp.training.elsewhere import (
    Elsewhere,
    elsewhere,
    lacks_device,
    run_device,
    trains_elsewhere,
)

GPU = Elsewhere(kind="cuda", text="cuda (NVIDIA H100)", precision="bf16")


def test_a_run_has_the_device_of_the_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.torch.cuda, "is_available", lambda: False)
    config = resolve("toy", [{"device": "auto"}])
    with trains_elsewhere(GPU):
        assert run_device(config) == (torch.device("cuda"), "cuda (NVIDIA H100)", "bf16")
        assert lacks_device()
    assert elsewhere() is None
    assert not lacks_device()


def test_else_it_has_that_of_this_machine() -> None:
    device, text, precision = run_device(resolve("toy", [{"device": "cpu"}]))
    assert (device.type, precision) == ("cpu", "fp32")
    assert text.startswith("cpu (")
