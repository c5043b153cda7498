"""The weights of a bundle: those of a training, as they are or in half precision."""

from __future__ import annotations

import shutil
from pathlib import Path

from comp.errors import RunError
from comp.files import make_folder

_STATISTICS = ("running_mean", "running_var", "target_mean", "target_std")
"""Values that stay in single precision: the statistics of BatchNorm, and the scale of targets."""
_LARGEST = 65_504
"""The largest number in half precision."""


def copy_weights(source: Path, target: Path, half: bool) -> None:
    """Copy a safetensors file.

    Args:
        half: store its numbers in half precision; integers and statistics stay.

    Raises:
        RunError: the file is missing or damaged, or has numbers that half precision has not.
    """
    make_folder(target.parent, parents=True)
    if not source.is_file():
        raise RunError(f"no weights at {source}: the fold is not finished, train it again")
    if not half:
        shutil.copyfile(source, target)
        return
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file, save_file

    try:
        state = load_file(source)
    except SafetensorError as error:
        raise RunError(f"{source} is not a readable checkpoint ({error})") from None
    for name, values in state.items():
        if values.dtype == torch.float32 and name.rpartition(".")[2] not in _STATISTICS:
            if values.numel() and float(values.abs().max()) > _LARGEST:
                raise RunError(
                    f"{name} in {source} has a number above {_LARGEST:,}, which half precision "
                    "does not have: bundle without --half"
                )
            state[name] = values.half()
    save_file(state, target)
