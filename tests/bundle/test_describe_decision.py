from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from comp.bundle.describe_decision import describe_activation, describe_decision
from comp.errors import RunError
from comp.tasks.binary import binary
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression


def own_activation(raw: torch.Tensor) -> torch.Tensor:
    return raw + 1


def own_decision(prediction: np.ndarray, _params: Any) -> np.ndarray:
    return prediction


def test_known_functions_are_plain_data() -> None:
    assert describe_activation(binary(("a", "b"))) == {"kind": "two classes", "arguments": {}}
    assert describe_activation(ordinal(3)) == {"kind": "grades", "arguments": {"count": 3}}
    values = {"log": False, "limits": [0.0, 9.0]}
    assert describe_activation(regression(limits=(0, 9)))["arguments"] == values
    decision = describe_decision(ordinal(3), (0.25, 1.75))
    assert decision == {
        "kind": "grades",
        "arguments": {},
        "params": [0.25, 1.75],
        "names": ["cut below 1", "cut below 2"],
        "labels": ["0", "1", "2"],
    }


def test_the_default_parameters_are_those_of_an_unfinished_run() -> None:
    assert describe_decision(ordinal(3), None)["params"] == [0.5, 1.5]
    assert describe_decision(regression(), None)["kind"] == "none"


@pytest.mark.parametrize("wrapped", [False, True])
def test_functions_of_the_plugin_are_refused(wrapped: bool) -> None:
    task = binary(("a", "b"))
    activation: Any = partial(own_activation) if wrapped else own_activation
    with pytest.raises(RunError, match="the activation of two classes is one of the plugin"):
        describe_activation(replace(task, activation=activation))
    decision = replace(task.decision, apply=partial(own_decision) if wrapped else own_decision)
    with pytest.raises(RunError, match="the decision of two classes is one of the plugin"):
        describe_decision(replace(task, decision=decision), None)


def test_no_activation() -> None:
    task = replace(regression(), activation=None)
    assert describe_activation(task) == {"kind": "none", "arguments": {}}
