"""Threads that read a batch."""

from __future__ import annotations

import threading
from typing import Any

import albumentations as A
import numpy as np
import pytest
import torch

from comp.contract.sample import Item, Sample
from comp.data import reading_threads, steps
from comp.data.albumentations_adapter import compose
from comp.data.dataset import Batch, SampleSet, stacked
from comp.data.reading_threads import Pace, ThreadedSet, by_threads, shared
from comp.errors import DataError

CHANGES = [
    steps.Policy(policy="trivial"),
    steps.HorizontalFlip(),
    steps.Affine(scale=(0.8, 1.2), shift=(-0.1, 0.1), rotate=(-20, 20)),
    steps.GaussNoise(std=(0.1, 0.2)),
]
DRAWS = [(index % 12, 1000 + index) for index in range(29)]


class Images:
    """Drawn images of one size; some are broken."""

    def __init__(self, broken: frozenset[str] = frozenset()) -> None:
        self.broken = broken
        self.threads: set[str] = set()

    def __call__(self, sample: Sample) -> Item:
        self.threads.add(threading.current_thread().name)
        if sample.id in self.broken:
            raise DataError(f"{sample.id} is broken")
        generator = np.random.default_rng(int(sample.id))
        return {"image": generator.integers(0, 256, (24, 20, 3), dtype=np.uint8)}

    def target_alone(self, _sample: Sample) -> Item:
        return {}


def unchanged(image: np.ndarray, **_: Any) -> np.ndarray:
    return image


class Count(A.ImageOnlyTransform):
    """A transform of a plugin, which may have a state that all its copies share."""

    def apply(self, img: np.ndarray, **_: Any) -> np.ndarray:
        return img


class OwnChange:
    """A change that a competition makes itself."""

    def draw(self, _generator: Any) -> None:
        return None

    def apply(self, image: np.ndarray, _drawn: Any) -> np.ndarray:
        return image


def sample_set(reader: Any, pipeline: Any = None) -> SampleSet:
    samples = [Sample(id=str(index)) for index in range(12)]
    return SampleSet(samples, reader, compose(CHANGES) if pipeline is None else pipeline)


def of_one_thread(samples: SampleSet) -> Batch:
    return stacked([samples[draw] for draw in DRAWS])


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every read is shared."""
    monkeypatch.setattr(reading_threads, "QUICK_S", 0)


@pytest.mark.usefixtures("slow")
def test_several_threads_make_the_same_batch() -> None:
    reader = Images()
    expected = of_one_thread(sample_set(Images()))
    found = ThreadedSet(sample_set(reader), 3).__getitems__(DRAWS)
    assert torch.equal(found["image"], expected["image"])
    assert found["image"].stride() == expected["image"].stride()
    assert len(reader.threads) > 1


def test_what_one_thread_reads_quickly_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading_threads, "QUICK_S", 1e9)
    reader = Images()
    found = ThreadedSet(sample_set(reader), 3).__getitems__(DRAWS)
    assert torch.equal(found["image"], of_one_thread(sample_set(Images()))["image"])
    assert reader.threads == {threading.current_thread().name}


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_small_batches(count: int) -> None:
    samples = sample_set(Images())
    found = ThreadedSet(samples, 3).__getitems__(DRAWS[:count])
    assert torch.equal(found["image"], of_one_thread(samples)["image"][:count])


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize("broken", [0, 5, 11])
def test_an_error_of_a_thread_is_raised(broken: int) -> None:
    with pytest.raises(DataError, match=f"^{broken} is broken"):
        ThreadedSet(sample_set(Images(frozenset({str(broken)}))), 2).__getitems__(DRAWS)


def test_the_state_of_the_global_generator_stays() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    ThreadedSet(sample_set(Images()), 4).__getitems__(DRAWS)
    assert torch.equal(torch.rand(4), expected)


def test_readers_and_pipelines_of_plugins_stay_in_one_thread() -> None:
    class Own:
        def __call__(self, _sample: Sample) -> Item:
            return {}

    alone = sample_set(Own())
    assert by_threads(alone, 4) is alone
    for own_step in (Count(), A.Lambda(image=unchanged)):
        of_plugin = sample_set(Images(), A.Compose([A.HorizontalFlip(), A.OneOf([own_step])]))
        assert by_threads(of_plugin, 4) is of_plugin
    changed = sample_set(Images(), compose([*CHANGES, steps.Own(made=OwnChange())]))
    assert by_threads(changed, 4) is changed
    whole = sample_set(Images())
    assert by_threads(whole, 1) is whole
    assert isinstance(by_threads(whole, 2), ThreadedSet)
    of_library = sample_set(Images(), A.Compose([A.HorizontalFlip()]))
    assert isinstance(by_threads(of_library, 2), ThreadedSet)


@pytest.mark.filterwarnings("ignore:'reference_images' and 'read_fn'")
def test_a_transform_that_calls_a_function_of_the_plugin_stays_in_one_thread() -> None:
    images = [np.zeros((8, 8, 3), np.uint8)]
    own = A.Compose([A.HistogramMatching(images, read_fn=unchanged)])
    usual = A.Compose([A.HistogramMatching(images)])
    given = A.Compose([A.HistogramMatching()])
    for pipeline, several in ((own, False), (usual, True), (given, True)):
        samples = sample_set(Images(), pipeline)
        assert isinstance(by_threads(samples, 2), ThreadedSet) is several


def test_pace_is_that_of_the_fastest_read(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([0, 5, 10, 10.0001, 20, 29])
    monkeypatch.setattr(reading_threads.time, "perf_counter", lambda: next(times))
    pace = Pace()
    assert not pace.quick
    quick = []
    for _ in range(3):
        assert pace.timed(lambda: "read") == "read"
        quick.append(pace.quick)
    assert quick == [False, True, True]


def test_shares_are_all_items_in_order() -> None:
    assert shared(range(5), 2) == [range(3), range(3, 5)]
    assert shared([1], 4) == [[1]]
    assert shared([], 4) == []
