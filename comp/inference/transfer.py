"""Copies of batches to the device, and of predictions back, without waiting for the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch

from comp.inference.reading import Part


def on_device(
    parts: Sequence[Part], device: torch.device, layout: torch.memory_format
) -> dict[str, torch.Tensor]:
    """The parts of a batch as one, on the device: images (N, C, H, W), and other entries.

    Images have the given memory layout, except those of one channel: for them both layouts are
    the same numbers in the same order, but libraries may choose another algorithm.
    """
    return {name: _entry(parts, name, device, layout) for name in parts[0].entries}


def _entry(
    parts: Sequence[Part], name: str, device: torch.device, layout: torch.memory_format
) -> torch.Tensor:
    values = [part.entries[name] for part in parts]
    if isinstance(values[0], np.ndarray):
        joined = np.concatenate(values) if len(values) > 1 else np.ascontiguousarray(values[0])
        values = [torch.from_numpy(joined)]
    # only CUDA keeps the source until it is copied
    copies = [each.to(device, non_blocking=device.type == "cuda") for each in values]
    batch = torch.cat(copies) if len(copies) > 1 else copies[0]
    if batch.ndim != 4:
        return batch
    count, height, width, channels = batch.shape
    if channels == 1:
        return batch.reshape(count, 1, height, width)
    images = batch.permute(0, 3, 1, 2)
    return images if layout == torch.channels_last else images.contiguous()


def arrived(outputs: Iterable[torch.Tensor]) -> Iterator[np.ndarray]:
    """The outputs as arrays of this machine's memory, in order.

    Those of a GPU come one batch late: it works on the next batch while they are used.
    """
    late: tuple[torch.Tensor, torch.cuda.Event] | None = None
    for out in outputs:
        if out.device.type != "cuda":
            yield out.cpu().numpy()
            continue
        copy = torch.empty(out.shape, dtype=out.dtype, pin_memory=True)
        copy.copy_(out.contiguous(), non_blocking=True)
        event = torch.cuda.Event()
        event.record(torch.cuda.current_stream(out.device))
        if late:
            late[1].synchronize()
            yield late[0].numpy()
        late = copy, event
    if late:
        late[1].synchronize()
        yield late[0].numpy()


@contextmanager
def tuned(repeated: bool, device: torch.device) -> Iterator[None]:
    """Let cuDNN measure its algorithms only for a shape that is repeated: measuring takes longer
    than the prediction of one page."""
    before = torch.backends.cudnn.benchmark
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = before and repeated
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
