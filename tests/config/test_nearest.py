"""Wrong values come with the nearest valid one."""

from __future__ import annotations

import re
from typing import Any

import pytest
from toys import toy

from comp.config.nearest import did_you_mean
from comp.config.schema import resolve
from comp.errors import CompError
from comp.training.device import choose_device
from comp.training.losses import loss_name


@pytest.mark.parametrize(
    ("values", "near"),
    [
        ({"predict": {"tta": "hflp"}}, "hflip"),
        ({"scheme": "stratified_grouped"}, "stratified-grouped"),
        ({"optim": {"schedule": "cosin"}}, "cosine"),
        ({"image": {"resize": "leterbox"}}, "letterbox"),
        ({"loss": {"name": "smoothl1"}}, "smooth_l1"),
        ({"precision": "FP16"}, "fp16"),
    ],
)
def test_wrong_value_of_few_choices(values: dict[str, Any], near: str) -> None:
    with pytest.raises(CompError, match=f"did you mean '{near}'\\? use '"):
        resolve("toy", [values])


def test_wrong_value_far_from_all_choices() -> None:
    with pytest.raises(CompError, match="precision = 'xyz': use 'auto', 'fp32'"):
        resolve("toy", [{"precision": "xyz"}])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"image": {"cache": "jpg"}}, "image.cache = 'jpg': did you mean 'jpeg'? use true, false"),
        ({"features": {"cache": 3}}, "features.cache = 3: use true, false or 'auto' or 'partial'"),
    ],
)
def test_wrong_value_beside_true_and_false_is_one_fault(
    values: dict[str, Any], message: str
) -> None:
    with pytest.raises(CompError, match=f"1 fault in .*: {re.escape(message)}"):
        resolve("toy", [values])


def test_loss_of_another_task() -> None:
    config = resolve("toy", [{"loss": {"name": "bce"}}])
    with pytest.raises(CompError, match=r"predicts 3 classes: did you mean 'ce'\? use ce, "):
        loss_name(toy(classes=("a", "b", "c")), config)


def test_device_with_a_wrong_name() -> None:
    with pytest.raises(
        CompError, match=r"no device 'cudaa' .*: did you mean 'cuda'\? use one of them"
    ):
        choose_device("cudaa")
    assert did_you_mean("rocm", ["cuda"]) == ""
