"""What is said of the gain of a blend."""

from __future__ import annotations

from comp.pipeline.blend_gain import verdict
from comp.runs.blend_results import BlendGain, BlendMember

WORSE = BlendGain(value=-0.02, low=-0.03, high=-0.01)


def members(best: float, other: float) -> list[BlendMember]:
    return [
        BlendMember(run_id="best", score=0.9, weight=best),
        BlendMember(run_id="other", score=0.8, weight=other),
    ]


def test_a_blend_that_is_its_best_run_says_so() -> None:
    found = members(1.0, 0.0)
    assert verdict(found, found[0], WORSE).startswith("all the weight is on run best")


def test_a_blend_that_is_another_run_is_not_better() -> None:
    found = members(0.0, 1.0)
    assert verdict(found, found[0], WORSE) == (
        "the blend is not better than its best run best: it scores worse by 0.02000 (95 % interval "
        "of the gain -0.03000 to -0.01000); submit that run"
    )
