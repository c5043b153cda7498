"""safetensors: a file for each network, with a header that says what it is."""

from __future__ import annotations

import json
from typing import Any

import torch
from safetensors import safe_open

from comp.export.networks import RunReader, parts_of


def test_the_header_and_the_weights(exports: Any) -> None:
    files = exports.safetensors.files
    assert [path.name for path in files] == ["fold-0.safetensors", "fold-1.safetensors"]
    network = RunReader(exports.run).load(parts_of(exports.run)[1]).network
    with safe_open(files[1], framework="pt") as file:
        header = file.metadata()
        for name, value in network.state_dict().items():
            assert torch.equal(file.get_tensor(name), value)
    assert header["network"] == "fold-1"
    assert header["run"] == exports.run.run_id
    assert json.loads(header["labels"]) == ["plain", "marked"]
