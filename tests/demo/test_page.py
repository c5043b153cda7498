"""What the functions of the page return to Gradio."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from comp.demo.answer import on_page
from comp.demo.session import Session

pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)
gradio = pytest.importorskip("gradio", reason="gradio is not installed")

from comp.demo.page import _Shown, make_page  # noqa: E402
from comp.page.words import translate  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def _nothing_left() -> Iterator[None]:
    """Gradio leaves event loops open: they go before the next test would be blamed for them."""
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gc.collect()


@pytest.fixture(scope="module")
def shown(session: Session) -> _Shown:
    with gradio.Blocks(analytics_enabled=False):
        return _Shown(session, translate("en"))


def text_of(row: list[Any]) -> str:
    return str(row[0])


def test_an_answer_and_then_its_explanation(shown: _Shown, photo: Path) -> None:
    first, second = shown.uploaded(str(photo))
    assert len(first) == len(shown.outputs)
    assert "decision: " in text_of(first)
    assert first[5] is None
    assert second[5].shape == (320, 320, 3)
    assert "explaining" in first[6]
    assert "Grad-CAM" in second[6]


def test_an_example_is_answered(shown: _Shown, session: Session) -> None:
    *_, last = shown.selected(1)
    np.testing.assert_array_equal(last[3], on_page(session.examples[1][1]))


def test_a_fault_is_one_line_without_markup_and_clears_the_rest(
    shown: _Shown, tmp_path: Path
) -> None:
    odd = tmp_path / "<img src=x onerror=alert(1)>.png"
    odd.write_text("no image")
    (row,) = shown.uploaded(str(odd))
    assert "&lt;img src=x onerror=alert(1)&gt;.png is not an image" in text_of(row)
    assert row[3:6] == [None, None, None]
    assert shown.cleared()[3:6] == [None, None, None]


def test_the_page_has_the_words_of_a_language(session: Session) -> None:
    with make_page(session, "ko") as page:
        labels = [getattr(block, "label", None) for block in page.blocks.values()]
    assert "이미지를 여기에 놓으세요" in labels
    assert not any(function.api_visibility == "public" for function in page.fns.values())
