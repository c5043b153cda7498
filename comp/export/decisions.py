"""How a prediction becomes an answer: the rule and its fitted parameters, in words and in numpy."""

from __future__ import annotations

from typing import Any

from comp.contract.task import Task
from comp.pipeline.run_oof import RunOof, fitted_decisions
from comp.tasks.binary import DECIMALS
from comp.tasks.mask_decision import NAMES as MASK_NAMES

RULES = {
    "none": "The prediction is the answer.",
    "second class": f"The second class if the prediction, rounded to {DECIMALS} decimals, is at "
    "least the threshold.",
    "most probable": "The most probable class.",
    "each label": "Each label whose probability is at least its threshold.",
    "cuts": "The number of cut points that the prediction reaches.",
    "masks": "A pixel is inside if its probability is at least the threshold; a mask with fewer "
    "pixels than the least area, or a lower mean probability than the least confidence, is empty.",
    "exclusive masks": "The most probable class of each pixel.",
    "own": "The competition decides by a function of its own, with these parameters.",
}
"""The rule of each kind of decision."""
_SNIPPETS = {
    "none": "answer = prediction",
    "second class": f"""rounded = np.round(prediction[:, 0].astype(np.float64), {DECIMALS})
answer = rounded >= params[0]""",
    "most probable": "answer = prediction.argmax(axis=1)",
    "each label": "answer = prediction >= np.array(params)",
    "cuts": "answer = (prediction >= np.array(params)).sum(axis=1)",
    "exclusive masks": "answer = prediction.argmax(axis=3)",
    "masks": """threshold, area, confidence = (np.array(params[i::3]) for i in range(3))
masks = prediction >= threshold.astype(np.float32)
size = masks.sum(axis=(1, 2))
mean = (prediction * masks).sum(axis=(1, 2)) / np.maximum(size, 1)
answer = masks & ((size >= area) & (mean >= confidence))[:, None, None]""",
    "own": "",
}


def kind_of(task: Task) -> str:
    """The key of the rule of a task in `RULES`."""
    decision = task.decision
    if decision is None:
        return "none"
    if task.output == "image":
        if not decision.names:
            return "exclusive masks"
        return "masks" if decision.names[0].startswith(MASK_NAMES[0]) else "own"
    if task.exclusive:
        return "second class" if task.outputs == 1 else "most probable"
    first = decision.names[0] if decision.names else ""
    if first.startswith("threshold of "):
        return "each label"
    return "cuts" if first.startswith("cut below ") else "own"


def describe_decision(run: RunOof) -> dict[str, Any]:
    """The rule of the run, its parameters, and the lines of numpy that apply it to `prediction`."""
    task = run.competition.task
    kind, fitted = kind_of(task), fitted_decisions(run)
    return {
        "kind": kind,
        "rule": RULES[kind],
        "names": list(fitted.names) if fitted else [],
        "params": list(fitted.params) if fitted else [],
        "numpy": _SNIPPETS[kind],
    }
