"""Pretrained weights of timm: find them, and fetch them from the Hugging Face hub once."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import TypeVar
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import torch
from huggingface_hub import (
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub.errors import EntryNotFoundError
from safetensors.torch import save_file
from timm.models import load_state_dict

from comp.errors import ConfigError, WeightsError
from comp.files import replacing
from comp.models.backbone import list_tags, pretrained_cfg

PROBE_S = 6.0
"""Seconds for the hub to answer, including the DNS lookup."""

T = TypeVar("T")


@dataclass(frozen=True)
class HubFile:
    """The file with the pretrained weights of a backbone.

    `hub_id` and `file` identify the file on the hub and `url` is its address; None if timm has no
    weights. `tags` are all weights of this architecture, `input_size` is the (channels, height,
    width) they were trained with, and `cached` is the local copy, if it exists.
    """

    name: str
    hub_id: str | None
    file: str | None
    url: str | None
    tags: tuple[str, ...]
    input_size: tuple[int, ...]
    licence: str | None
    cached: Path | None


def find_weights(name: str) -> HubFile:
    """Find the pretrained weights of a backbone, without network access.

    Raises:
        ConfigError: the backbone is unknown.
    """
    pretrained = pretrained_cfg(name)
    hub_id, file, url = pretrained.hf_hub_id, None, pretrained.url
    cached: Path | None = None
    if hub_id:
        files = _hub_files(pretrained.hf_hub_filename)
        copies = {option: try_to_load_from_cache(hub_id, option) for option in files}
        file, path = next(
            ((option, copy) for option, copy in copies.items() if isinstance(copy, str)),
            (files[0], None),
        )
        url, cached = hf_hub_url(hub_id, file), Path(path) if path else None
    elif url:
        file, local = str(url).rpartition("/")[2], _torch_cache(str(url))
        cached = local if local.is_file() else None
    return HubFile(
        name=name,
        hub_id=hub_id,
        file=file,
        url=url,
        tags=tuple(list_tags(name)),
        input_size=tuple(pretrained.input_size),
        licence=pretrained.license,
        cached=cached,
    )


def fetch_weights(name: str) -> Path:
    """Return the file with the pretrained weights of a backbone: the local copy, or a download.

    The hub must answer within a few seconds before the download starts, so a machine without a
    network fails quickly. `HF_HUB_OFFLINE`, `HF_ENDPOINT` and proxies work as usual.

    Raises:
        ConfigError: the backbone is unknown.
        WeightsError: there are no weights, or they cannot be fetched.
    """
    hub_file = find_weights(name)
    if hub_file.cached:
        return hub_file.cached
    if not hub_file.url:
        tags = f" (only of the tags {', '.join(hub_file.tags[:3])})" if hub_file.tags else ""
        raise WeightsError(
            f"timm has no pretrained weights of {name}{tags}: use a file with --weights FILE "
            "(--set weights=FILE), or start from random weights with --no-pretrained "
            "(--set pretrained=false)"
        )
    try:
        return _download(hub_file)
    except Exception as error:  # the hub's client raises different errors in each release
        raise WeightsError(
            f"cannot fetch pretrained weights of {name} ({first_line(error)}): connect to the "
            f"internet once; or run 'comp weights {name} --out FILE' on a machine with internet, "
            "and use --weights FILE (--set weights=FILE); or start from random weights with "
            "--no-pretrained (--set pretrained=false)"
        ) from error


def export_weights(name: str, out: Path) -> Path:
    """Write the pretrained weights of a backbone to a safetensors file, for machines without the
    hub.

    Args:
        out: the file, or a folder; in a folder the file is `<name>.safetensors`.

    Returns:
        The written file.

    Raises:
        ConfigError: the backbone is unknown, or the file name does not end in .safetensors.
        WeightsError: the weights cannot be fetched or written.
    """
    target = out / f"{name}.safetensors" if out.is_dir() else out
    if target.suffix != ".safetensors":
        raise ConfigError(
            f"--out {out} does not end in .safetensors: name a folder or a .safetensors file"
        )
    source = fetch_weights(name)
    try:
        with replacing(target) as part:
            if source.suffix == ".safetensors":
                shutil.copyfile(source, part)
            else:
                tensors = load_state_dict(str(source))
                save_file(
                    {key: tensor.clone().contiguous() for key, tensor in tensors.items()}, part
                )
    except OSError as error:
        raise WeightsError(
            f"cannot write {target} ({error.strerror}): use another file or folder"
        ) from error
    return target


def first_line(error: BaseException) -> str:
    """The first line of an error's message, at most 120 characters."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:120]


def _download(hub_file: HubFile) -> Path:
    """Download the file after its server has answered."""
    if hub_file.hub_id:
        hub_id = hub_file.hub_id
        files = _hub_files(pretrained_cfg(hub_file.name).hf_hub_filename)
        file = _with_timeout(PROBE_S, lambda: _first_available(hub_id, files))
        return Path(hf_hub_download(hub_id, file))
    url = str(hub_file.url)
    _with_timeout(PROBE_S, lambda: _check_url(url))
    path = _torch_cache(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.hub.download_url_to_file(url, str(path))
    return path


def _torch_cache(url: str) -> Path:
    """The local copy of a file that is not on the hub."""
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]


def _check_url(url: str) -> None:
    """Check that an address answers, without downloading it."""
    try:
        urlopen(Request(url, method="HEAD"), timeout=PROBE_S).close()
    except HTTPError as error:
        error.close()
        raise


def _hub_files(override: str | None) -> list[str]:
    """Possible file names of the weights on the hub, the safest first."""
    return [override] if override else ["model.safetensors", "pytorch_model.bin"]


def _first_available(hub_id: str, files: list[str]) -> str:
    """The first of these files that exists on the hub."""
    for file in files[:-1]:
        try:
            get_hf_file_metadata(hf_hub_url(hub_id, file), timeout=PROBE_S)
        except EntryNotFoundError:
            continue
        return file
    get_hf_file_metadata(hf_hub_url(hub_id, files[-1]), timeout=PROBE_S)
    return files[-1]


def _with_timeout(seconds: float, request: Callable[[], T]) -> T:
    """Return or raise what `request` does.

    The request runs in a thread, because a DNS lookup can take longer than the timeout of a client.

    Raises:
        TimeoutError: it takes longer than `seconds`.
    """
    answers: list[T] = []
    errors: list[Exception] = []

    def work() -> None:
        try:
            answers.append(request())
        except Exception as error:  # raised again below
            errors.append(error)

    thread = Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:.0f} seconds")
    return answers[0]
