"""How prediction reads its samples: the same batches, whoever reads them, and nothing is left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import albumentations as A
import numpy as np
import pytest
import torch

from comp.contract.sample import Item, Sample
from comp.data import reading_threads
from comp.data.pipelines import as_pipeline
from comp.errors import DataError
from comp.inference import reading
from comp.inference.reading import ItemSet, Part, Reading
from comp.inference.transfer import on_device

CPU = torch.device("cpu")
SIZES = [(4, 5), (4, 5), (4, 5), (6, 3), (4, 5), (6, 3), (6, 3), (6, 3), (6, 3), (2, 2)]


@dataclass(frozen=True)
class Pages:
    """Reads drawn pages of SIZES in any thread, and the target of a sample by itself."""

    sizes: list[tuple[int, int]] = field(default_factory=lambda: list(SIZES))
    broken: str = ""
    threads: set[str] = field(default_factory=set)

    def __call__(self, sample: Sample) -> Item:
        self.threads.add(threading.current_thread().name)
        if sample.id == self.broken:
            raise DataError(f"cannot decode {sample.id}: replace it")
        index = int(sample.id)
        shape = (*self.sizes[index], 3)
        image = np.random.default_rng(index).integers(0, 256, shape, np.uint8)
        item = {"image": image, "number": np.float32([index])}
        return item if sample.target is None else {**item, "target": image}

    def target_alone(self, sample: Sample) -> Item:
        return {"target": np.float32([int(sample.id)])}


def samples(count: int) -> list[Sample]:
    return [Sample(id=str(i), image=Path(str(i)), target=Path("mask")) for i in range(count)]


def items(reader: Callable[[Sample], Item], count: int = len(SIZES)) -> ItemSet:
    return ItemSet(
        samples=samples(count),
        reader=reader,
        pipeline=as_pipeline(no_change()),
        inputs=("image", "number"),
    )


def no_change() -> Any:
    return A.Compose([])


def batches(reader: Any, size: int = 3, workers: int = 0, count: int = len(SIZES)) -> list[Any]:
    found = Reading(items=items(reader, count), batch_size=size, device=CPU, workers=workers)
    return [on_device(parts, CPU, torch.channels_last) for parts in found.batches()]


def test_neighbours_of_one_size_share_a_batch_in_order() -> None:
    found = batches(Pages())
    numbers = [batch["number"].flatten().tolist() for batch in found]
    assert numbers == [[0, 1, 2], [3], [4], [5, 6, 7], [8], [9]]
    for batch in found:
        for image, number in zip(batch["image"], batch["number"].tolist(), strict=True):
            expected = Pages()(Sample(id=str(int(number[0]))))["image"]
            assert image.dtype == torch.uint8
            assert np.array_equal(image.permute(1, 2, 0).numpy(), expected)


@pytest.mark.parametrize("size", [1, 2, 4, 50])
@pytest.mark.parametrize("chunk", [1, 100, 1 << 26])
def test_no_reader_and_no_chunk_changes_a_batch(
    monkeypatch: pytest.MonkeyPatch, size: int, chunk: int
) -> None:
    monkeypatch.setattr(reading, "CHUNK_BYTES", chunk)
    plain = batches(lambda sample: Pages()(sample), size)  # an own reader, one call at a time
    monkeypatch.setattr(reading, "cores", lambda: 3)
    several = batches(Pages(), size)
    assert len(plain) == len(several)
    for one, other in zip(plain, several, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)


def test_processes_read_the_same_batches_and_end(monkeypatch: pytest.MonkeyPatch) -> None:
    import multiprocessing

    monkeypatch.setattr(reading, "CHUNKS_PER_WORKER", 1)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    here, there = batches(Pages(), 2), batches(Pages(), 2, workers=2)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(here) == len(there)
    for one, other in zip(here, there, strict=True):
        assert all(torch.equal(one[name], other[name]) for name in one)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_a_reader_stays_what_it_is(
    monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    import multiprocessing

    monkeypatch.setattr(reading, "CHUNKS_PER_WORKER", 1)
    with pytest.raises(DataError) as raised:
        batches(Pages(broken="7"), 2, workers=workers)
    assert str(raised.value) == "cannot decode 7: replace it"
    assert not multiprocessing.active_children()
    assert not names_of_readers()


def names_of_readers() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("reader")]


@pytest.mark.parametrize("workers", [0, 2])
def test_whoever_stops_early_leaves_no_thread_and_no_process(
    monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    import multiprocessing

    monkeypatch.setattr(reading, "CHUNKS_PER_WORKER", 1)
    monkeypatch.setattr(reading, "cores", lambda: 2)
    monkeypatch.setattr(reading_threads, "QUICK_S", 0)
    sizes = [(4, 5)] * 40
    found = Reading(items=items(Pages(sizes), 40), batch_size=2, device=CPU, workers=workers)
    started = found.batches()
    next(started)
    next(started)
    assert bool(multiprocessing.active_children()) == (workers > 0)
    assert bool(names_of_readers()) == (workers == 0)
    started.close()
    assert not multiprocessing.active_children()
    assert not names_of_readers()


def test_an_own_reader_is_called_in_the_main_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "cores", lambda: 4)
    monkeypatch.setattr(reading_threads, "QUICK_S", 0)
    seen: set[str] = set()

    def own(sample: Sample) -> Item:
        seen.add(threading.current_thread().name)
        assert sample.target == Path("mask")
        return Pages()(sample)

    batches(own)
    pages = Pages()
    batches(pages)
    assert seen == {threading.main_thread().name}
    assert len(pages.threads) > 1


def test_a_target_that_can_be_read_alone_is_not_read_with_the_image() -> None:
    part = items(Pages()).read(0, as_pipeline(no_change()))
    assert set(part.entries) == {"image", "number"}
    assert part.shapes == ((4, 5, 3, "uint8"), (1, "float32"))


def test_threads_do_not_share_a_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thread changes images with a copy, whose random numbers are always the same."""
    import albumentations as A

    monkeypatch.setattr(reading, "cores", lambda: 4)
    noisy = as_pipeline(A.Compose([A.GaussNoise((0.2, 0.2), p=1.0)]))
    sizes = [(16, 16)] * 24
    made = [
        Reading(
            items=ItemSet(samples=samples(24), reader=reader, pipeline=noisy),
            batch_size=24,
            device=CPU,
        )
        for reader in (Pages(sizes), lambda sample: Pages(sizes)(sample))
    ]
    several, one = (
        [on_device(parts, CPU, torch.contiguous_format)["image"] for parts in each.batches()]
        for each in made
    )
    assert torch.equal(several[0], one[0])
    assert not np.array_equal(
        one[0][0].permute(1, 2, 0).numpy(), Pages(sizes)(samples(1)[0])["image"]
    )


def test_large_samples_are_read_in_small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few samples are read before they are needed, also if later ones are larger."""
    monkeypatch.setattr(reading, "CHUNK_BYTES", 4 * 300)
    monkeypatch.setattr(reading, "cores", lambda: 2)
    sizes = [(10, 10)] * 6 + [(20, 40)] * 6
    pages = Pages(sizes)
    done: list[str] = []

    class Counted(Pages):
        def __call__(self, sample: Sample) -> Item:
            done.append(sample.id)
            return super().__call__(sample)

    found = Reading(items=items(Counted(sizes), 12), batch_size=8, device=CPU).batches()
    ahead = []
    predicted = 0
    for parts in found:
        predicted += sum(part.length for part in parts)
        ahead.append(len(done) - predicted)
    assert predicted == len(done) == 12
    assert max(ahead) <= 4
    assert ahead[-1] == 0
    assert pages.sizes == sizes


def test_a_part_is_cut_without_a_copy() -> None:
    part = Part({"image": np.zeros((5, 2, 2, 3), np.uint8)})
    assert part.between(0, 9) is part
    assert part.between(1, 3).entries["image"].base is part.entries["image"]


def test_processes_without_room_for_their_chunks_are_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "CHUNKS_PER_WORKER", 1)
    monkeypatch.setattr(reading, "_fits", lambda _needed: False)
    pages = Pages()
    batches(pages, 2, workers=2)
    assert pages.threads  # those of a process would be another object's


def test_no_samples_have_no_batches() -> None:
    assert batches(Pages(), count=0) == []


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_knows_one_thread_stays_in_the_main_thread(
    monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    """A plugin's own reader, and a reader of comp with a plugin's own pipeline."""
    monkeypatch.setattr(reading, "cores", lambda: 4)
    monkeypatch.setattr(reading_threads, "QUICK_S", 0)
    pages, seen = Pages(), set[str]()

    def own(sample: Sample) -> Item:
        seen.add(threading.current_thread().name)
        return pages(sample)

    def batches_of(reader: Any, pipeline: Any) -> int:
        wanted = ItemSet(samples=items(pages).samples, reader=reader, pipeline=pipeline)
        read = Reading(items=wanted, batch_size=2, device=torch.device(device))
        return len(list(read.batches()))

    class Closed(A.ImageOnlyTransform):
        def apply(self, img: np.ndarray, **_: Any) -> np.ndarray:
            seen.add(threading.current_thread().name)
            return img

    assert batches_of(own, as_pipeline(no_change()))
    assert batches_of(pages, as_pipeline(A.Compose([Closed(p=1)])))
    assert seen == {threading.main_thread().name}


def test_images_of_two_types_do_not_share_a_batch() -> None:
    """Else bytes would become floats, which are not divided by 255."""
    parts = [
        Part({"image": np.zeros((1, 4, 5, 3), dtype)}) for dtype in (np.uint8, np.float32, np.uint8)
    ]
    assert [part.length for part in reading.joined(parts)] == [1, 1, 1]
    (both,) = reading.joined([parts[0], parts[2]])
    assert both.length == 2
    assert both.shapes == parts[0].shapes
