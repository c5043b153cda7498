"""The size of images: one number, or height and width."""

from __future__ import annotations

import json

import numpy as np
import pytest

from comp.config.image_size import height_and_width, is_square, parse_image_size, setting_text
from comp.config.parsing import parse_sets
from comp.config.schema import RunConfig, resolve
from comp.errors import ConfigError


def resolved(text: str) -> RunConfig:
    return resolve("x", [parse_sets([f"image.size={text}"])])


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("224", 224),
        ("[224, 224]", 224),
        ("[256,512]", (256, 512)),
        ("(512, 256)", (512, 256)),
        ("none", None),
    ],
)
def test_a_square_is_one_number_and_comes_back_from_a_record(
    text: str, size: int | tuple[int, int] | None
) -> None:
    config = resolved(text)
    assert config.image.size == size
    record = json.loads(json.dumps(config.model_dump(mode="json")))
    assert record["image"]["size"] == (list(size) if isinstance(size, tuple) else size)
    assert resolve("x", [record]) == config


@pytest.mark.parametrize(
    "text",
    ["[0, 5]", "[1,2,3]", "a", "[64]", "[]", "7", "[64, 7]", "[64, 80.0]", "64.0", "true", "32x80"],
)
def test_what_is_not_a_size_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as refused:
        resolved(text)
    message = str(refused.value)
    assert message.startswith("1 fault in the configuration: image.size = ")
    assert "write the side of a square such as 224, or [height, width] such as" in message
    assert "\n" not in message


def test_sizes_of_numpy_are_numbers() -> None:
    size = parse_image_size(np.zeros((32, 80)).shape)
    assert size == parse_image_size(list(np.array([32, 80])))
    assert json.dumps(size) == "[32, 80]"
    assert (height_and_width(size), is_square(size), setting_text(size)) == (
        (32, 80),
        False,
        "[32, 80]",
    )
    assert (height_and_width(1), is_square(1), setting_text(1)) == ((1, 1), True, "1")
