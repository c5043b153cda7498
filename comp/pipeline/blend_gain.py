"""Whether a blend is better than its best single run."""

from __future__ import annotations

from collections.abc import Sequence

from comp.pipeline.compare import difference_of
from comp.pipeline.run_oof import RunOof
from comp.runs.blend_results import BlendGain, BlendMember

ALL = 0.999
"""Weight from which a run is the whole blend."""


def gain_over(best: RunOof, blend: RunOof) -> BlendGain:
    """What a blend gains over a run, with the interval of `comp compare`."""
    found = difference_of(blend, best)
    sign = -1.0 if blend.competition.metric.direction == "min" else 1.0
    ends = [None if end is None else sign * end for end in (found.low, found.high)]
    low, high = ends if sign > 0 else ends[::-1]
    return BlendGain(value=sign * found.value, low=low, high=high)


def verdict(members: Sequence[BlendMember], best: BlendMember, gain: BlendGain) -> str:
    """One sentence about the gain, for the user."""
    alone = next((m for m in members if m.weight is not None and m.weight >= ALL), None)
    if alone and alone.run_id == best.run_id:
        return f"all the weight is on run {alone.run_id}: the other runs add nothing to it"
    if gain.value == 0:
        return f"the blend scores like its best run {best.run_id}"
    size = f"{abs(gain.value):.5f}"
    if gain.low is not None and gain.high is not None:
        size += f" (95 % interval of the gain {gain.low:+.5f} to {gain.high:+.5f})"
    if gain.real and gain.value > 0:
        return f"the blend is better than its best run {best.run_id} by {size}"
    if gain.value > 0:
        return (
            f"the blend scores better than its best run {best.run_id} by {size}, which may be noise"
        )
    return (
        f"the blend is not better than its best run {best.run_id}: it scores worse by {size}; "
        "submit that run"
    )
