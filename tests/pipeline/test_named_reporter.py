"""Networks that are reported under their names."""

from __future__ import annotations

from comp.pipeline.named_reporter import NamedReporter
from comp.pipeline.seeded_fold import SeedReporter
from comp.runs.progress import Silent, Step


class Steps(Silent):
    def __init__(self) -> None:
        self.steps: list[Step] = []

    def step(self, step: Step) -> None:
        self.steps.append(step)


def test_a_network_of_a_seed_has_both_names() -> None:
    steps = Steps()
    step = Step(fold=0, epoch=1, epochs=1, step=3, steps=10, loss=0.5, lr=0.1, rate=5.0)
    NamedReporter(steps, "mlp").step(step)
    NamedReporter(SeedReporter(steps, 1, 2), "mlp").step(step)
    assert [(each.part, each.step, each.steps) for each in steps.steps] == [
        ("mlp", 3, 10),
        ("seed 2 of 2  mlp", 13, 20),
    ]
