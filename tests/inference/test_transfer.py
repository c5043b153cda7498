from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from comp.inference.reading import Part
from comp.inference.transfer import arrived, on_device, tuned

CPU = torch.device("cpu")


def parts(*counts: int, channels: int = 3) -> list[Part]:
    rng = np.random.default_rng(0)
    return [
        Part(
            {
                "image": rng.integers(0, 256, (count, 4, 5, channels), np.uint8),
                "numbers": rng.normal(size=(count, 2)).astype(np.float32),
            }
        )
        for count in counts
    ]


@pytest.mark.parametrize("counts", [(1,), (3,), (1, 2, 3)])
def test_parts_become_one_batch_of_the_layout(counts: tuple[int, ...]) -> None:
    given = parts(*counts)
    for layout in (torch.channels_last, torch.contiguous_format):
        batch = on_device(given, CPU, layout)
        images = np.concatenate([part.entries["image"] for part in given])
        assert batch["image"].is_contiguous(memory_format=layout)
        assert np.array_equal(batch["image"].numpy(), images.transpose(0, 3, 1, 2))
        numbers = np.concatenate([part.entries["numbers"] for part in given])
        assert np.array_equal(batch["numbers"].numpy(), numbers)


def test_images_of_one_channel_stay_contiguous() -> None:
    image = on_device(parts(2, channels=1), CPU, torch.channels_last)["image"]
    assert image.is_contiguous()
    assert image.stride() == (20, 20, 5, 1)


def test_outputs_arrive_in_order_and_one_at_a_time_on_the_cpu() -> None:
    made: list[int] = []

    def outputs() -> object:
        for number in range(3):
            made.append(number)
            yield torch.full((2,), float(number))

    for number, values in enumerate(arrived(outputs())):  # type: ignore[arg-type]
        assert values.tolist() == [number, number]
        assert made[-1] == number


def test_cudnn_is_as_before_afterwards() -> None:
    before = torch.backends.cudnn.benchmark
    try:
        for given in (True, False):
            torch.backends.cudnn.benchmark = given
            with tuned(False, torch.device("cuda")):
                assert not torch.backends.cudnn.benchmark
            with tuned(True, torch.device("cuda")):
                assert torch.backends.cudnn.benchmark == given
            assert torch.backends.cudnn.benchmark == given
    finally:
        torch.backends.cudnn.benchmark = before


@pytest.mark.gpu
@pytest.mark.parametrize("count", [1, 2, 5])
def test_outputs_of_a_gpu_arrive_one_batch_late_and_in_order(count: int) -> None:
    device = torch.device("cuda")
    outputs = (torch.full((2, 3), float(number), device=device) for number in range(count))
    found = list(arrived(outputs))
    assert [values[0, 0] for values in found] == list(range(count))
    assert all(values.shape == (2, 3) for values in found)


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_outputs_of_the_second_gpu_are_waited_for() -> None:
    """The current device is the first one."""
    torch.cuda.set_device(0)

    def outputs() -> Iterator[torch.Tensor]:
        for index in range(6):
            big = torch.full((4096, 4096), 1.0, device="cuda:1")
            for _ in range(8):
                big = big @ big / 4096
            yield big * index

    for index, found in enumerate(arrived(outputs())):
        assert found.min() == found.max() == index
