from __future__ import annotations

from typing import Any

import pytest
import torch

from comp.bundle.describe_decision import describe_activation
from comp.bundle.parts.activate import make_activation
from comp.contract.task import Task
from comp.tasks.binary import binary
from comp.tasks.multiclass import multiclass
from comp.tasks.multilabel import multilabel
from comp.tasks.ordinal import ordinal
from comp.tasks.regression import regression


@pytest.mark.parametrize(
    ("task", "columns"),
    [
        (binary(("a", "b")), 1),
        (binary(("a", "b")), 2),
        (multiclass(("a", "b", "c")), 3),
        (multilabel(("a", "b")), 2),
        (ordinal(4), 1),
        (ordinal(4), 3),
        (ordinal(4), 4),
        (regression(("x", "y")), 2),
        (regression(log=True, limits=(0.5, 3.0)), 1),
    ],
)
def test_raw_outputs_become_what_the_task_makes_of_them(task: Task, columns: int) -> None:
    section = describe_activation(task)
    raw = 3 * torch.randn(20, columns, generator=torch.Generator().manual_seed(0))
    activation = make_activation(section)
    assert activation
    assert task.activation
    assert torch.equal(activation(raw), task.activation(raw))


def test_nothing_to_do() -> None:
    section: dict[str, Any] = {"kind": "none", "arguments": {}}
    assert make_activation(section) is None
