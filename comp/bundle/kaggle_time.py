"""How long a bundle would run at Kaggle, from its time here and a stated factor.

The factors are assumptions, not measurements at Kaggle, and on the slow side:

- A core at Kaggle is taken as 1.5 times as slow as one here. A CPU notebook has 4 of them.
- A GPU is taken as 10 times as fast as these 4 cores, and two T4 as 15 times. Reading and resizing
  images, which the GPU does not do, is why it is not more.
- A GPU here is taken as 10 times as fast as one T4 or P100.

`--factor` replaces them. Only the time per image is scaled, and the start (imports, weights) counts
as it is here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from comp.report.clock import duration

MachineName = Literal["cpu", "p100", "t4"]
SLOWER_CORE = 1.5
SLOWER_GPU = 10.0
HIDDEN_TIMES = 10
"""Images of the hidden test for each of the public test, if nobody says how many it has."""
LIMIT_H = 9.0
"""Hours that a notebook of a code competition may run, in most competitions."""


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A machine of Kaggle."""

    title: str
    cores: int
    faster: float
    """Times as fast as the cores of a CPU notebook."""
    memory_gb: float


MACHINES: Mapping[MachineName, Machine] = {
    "cpu": Machine(title="a CPU notebook", cores=4, faster=1, memory_gb=30),
    "p100": Machine(title="a P100", cores=4, faster=10, memory_gb=29),
    "t4": Machine(title="two T4", cores=4, faster=15, memory_gb=29),
}


MACHINES_OF: Mapping[str, MachineName] = {"none": "cpu", "p100": "p100", "t4x2": "t4"}
"""The value of `--gpu` -> the machine."""


@dataclass(frozen=True, kw_only=True)
class KaggleTime:
    """The estimate, and what it assumes."""

    machine: MachineName
    seconds: float
    limit_h: float
    factor: float
    """Seconds per image there for each second here."""
    factor_given: bool
    images: int
    images_given: bool
    start_s: float
    per_image_s: float

    @property
    def too_long(self) -> bool:
        """Whether the estimate is above the limit."""
        return self.seconds > 3600 * self.limit_h

    @property
    def words(self) -> str:
        """The estimate as a sentence."""
        images = f"{self.images:,} hidden images" + " (assumed)" * (not self.images_given)
        factor = f"factor {self.factor:.2g}" + " (assumed)" * (not self.factor_given)
        time = "less than 1 min" if self.seconds < 60 else f"about {duration_of(self.seconds)}"
        return (
            f"at Kaggle {time} of {self.limit_h:g} h on {MACHINES[self.machine].title}, for "
            f"{images}, {factor}"
        )


def duration_of(seconds: float) -> str:
    """Whole minutes: `41 minutes`, `2 h 10 min`."""
    return f"{round(seconds / 60)} minutes" if seconds < 3600 else duration(seconds)


def default_factor(machine: MachineName, on_gpu: bool, threads: int) -> float:
    """Seconds per image at Kaggle for each second here.

    Args:
        on_gpu: whether it was measured on a GPU.
        threads: of the CPU here.
    """
    there = MACHINES[machine]
    if on_gpu:
        return SLOWER_GPU * MACHINES["p100"].faster / there.faster
    return SLOWER_CORE * threads / there.cores / there.faster


def estimate(
    public: tuple[float, int],
    hidden: tuple[float, int] | None,
    *,
    machine: MachineName,
    on_gpu: bool,
    threads: int,
    factor: float | None = None,
    images: int | None = None,
    limit_h: float = LIMIT_H,
) -> KaggleTime:
    """Estimate the time at Kaggle.

    Args:
        public: seconds and images of the prediction of the public test.
        hidden: those of the larger test, which show what an image costs without the start; None if
            there is none.
        factor: instead of the default one.
        images: of the hidden test, if known.
    """
    seconds, count = public
    per_image = seconds / max(1, count)
    if hidden and hidden[1] > count and hidden[0] > seconds:
        per_image = (hidden[0] - seconds) / (hidden[1] - count)
    start = max(0.0, seconds - count * per_image)
    used = default_factor(machine, on_gpu, threads) if factor is None else factor
    total = HIDDEN_TIMES * count if images is None else images
    return KaggleTime(
        machine=machine,
        seconds=start + total * per_image * used,
        limit_h=limit_h,
        factor=used,
        factor_given=factor is not None,
        images=total,
        images_given=images is not None,
        start_s=start,
        per_image_s=per_image,
    )
