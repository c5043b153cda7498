"""Where timm keeps pretrained weights, and fetching them: from the hub once, then a local copy."""

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
from comp.models.backbone import pretrained_cfg, tags_of

PROBE_S = 6.0
"""Seconds in which the hub must answer, looking up its address included."""

T = TypeVar("T")


@dataclass(frozen=True)
class HubFile:
    """Where timm fetches the weights of a backbone.

    `hub_id` and `file` say which file of the hub, `url` its address; None where timm has no
    weights. `tags` are the weights that there are of this architecture, `input_size` the (channels,
    height, width) they were made with, `cached` the local copy if there is one.
    """

    name: str
    hub_id: str | None
    file: str | None
    url: str | None
    tags: tuple[str, ...]
    input_size: tuple[int, ...]
    licence: str | None
    cached: Path | None


def where(name: str) -> HubFile:
    """Where the pretrained weights of a backbone are; asks nobody.

    Raises:
        ConfigError: an unknown backbone.
    """
    known = pretrained_cfg(name)
    hub_id, file, url = known.hf_hub_id, None, known.url
    cached: Path | None = None
    if hub_id:
        files = _hub_files(known.hf_hub_filename)
        found = {each: try_to_load_from_cache(hub_id, each) for each in files}
        file, path = next(
            ((each, at) for each, at in found.items() if isinstance(at, str)), (files[0], None)
        )
        url, cached = hf_hub_url(hub_id, file), Path(path) if path else None
    elif url:
        file, local = str(url).rpartition("/")[2], _torch_copy(str(url))
        cached = local if local.is_file() else None
    return HubFile(
        name=name,
        hub_id=hub_id,
        file=file,
        url=url,
        tags=tuple(tags_of(name)),
        input_size=tuple(known.input_size),
        licence=known.license,
        cached=cached,
    )


def fetch(name: str) -> Path:
    """The file of a backbone's pretrained weights: the local copy, or fetched from the hub.

    The hub has a few seconds to answer before anything is fetched, so that a machine without a
    network says so at once. `HF_HUB_OFFLINE`, `HF_ENDPOINT` and proxies count, as for any client of
    the hub.

    Raises:
        ConfigError: an unknown backbone.
        WeightsError: when there are no weights, or they cannot be fetched.
    """
    place = where(name)
    if place.cached:
        return place.cached
    if not place.url:
        near = f" (it has of {', '.join(place.tags[:3])})" if place.tags else ""
        raise WeightsError(
            f"timm has no pretrained weights of {name}{near}: give a file with --weights FILE "
            "(--set weights=FILE), or start from random weights with --no-pretrained "
            "(--set pretrained=false)"
        )
    try:
        return _download(place)
    except Exception as error:  # each release of the hub's client raises errors of its own
        raise WeightsError(
            f"cannot fetch pretrained weights of {name} ({first_line(error)}): go online once; or "
            f"run 'comp weights {name} --out FILE' on a machine that is, and give --weights FILE "
            "(--set weights=FILE); or start from random weights with --no-pretrained "
            "(--set pretrained=false)"
        ) from error


def save(name: str, out: Path) -> Path:
    """Write a backbone's pretrained weights as a safetensors file, for machines without the hub.

    Args:
        out: the file, or a folder, in which it is named `<name>.safetensors`.

    Returns:
        The file that was written.

    Raises:
        ConfigError: an unknown backbone, or a file name that does not end in .safetensors.
        WeightsError: when the weights cannot be fetched or written.
    """
    target = out / f"{name}.safetensors" if out.is_dir() else out
    if target.suffix != ".safetensors":
        raise ConfigError(f"--out {out}: give a folder, or a file that ends in .safetensors")
    source = fetch(name)
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
        raise WeightsError(f"cannot write {target}: {error.strerror}") from error
    return target


def first_line(error: BaseException) -> str:
    """The first line of an error's message, cut to what fits in one of ours."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:160]


def _download(place: HubFile) -> Path:
    """Fetch the file of a place that has one, once its server has answered."""
    if place.hub_id:
        hub_id, files = place.hub_id, _hub_files(pretrained_cfg(place.name).hf_hub_filename)
        file = _within(PROBE_S, lambda: _served(hub_id, files))
        return Path(hf_hub_download(hub_id, file))
    url = str(place.url)
    _within(PROBE_S, lambda: _reach(url))
    path = _torch_copy(url)
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.hub.download_url_to_file(url, str(path))
    return path


def _torch_copy(url: str) -> Path:
    """Where timm looks for a file that is on no hub."""
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]


def _reach(url: str) -> None:
    """Ask for an address without fetching what is there."""
    try:
        urlopen(Request(url, method="HEAD"), timeout=PROBE_S).close()
    except HTTPError as error:
        error.close()
        raise


def _hub_files(override: str | None) -> list[str]:
    """Names under which the hub may hold the weights, the safest first."""
    return [override] if override else ["model.safetensors", "pytorch_model.bin"]


def _served(hub_id: str, files: list[str]) -> str:
    """The first of these files that the hub has."""
    for file in files[:-1]:
        try:
            get_hf_file_metadata(hf_hub_url(hub_id, file), timeout=PROBE_S)
        except EntryNotFoundError:
            continue
        return file
    get_hf_file_metadata(hf_hub_url(hub_id, files[-1]), timeout=PROBE_S)
    return files[-1]


def _within(seconds: float, ask: Callable[[], T]) -> T:
    """What `ask` returns or raises; a TimeoutError when it takes longer than that.

    It asks in a thread of its own, since looking up the address of a server can hang for longer
    than any timeout of a client.
    """
    answers: list[T] = []
    errors: list[Exception] = []

    def listen() -> None:
        try:
            answers.append(ask())
        except Exception as error:  # raised again below
            errors.append(error)

    thread = Thread(target=listen, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError(f"no answer within {seconds:.0f} seconds")
    return answers[0]
