"""The cache of whole images and masks, for competitions whose images keep their size."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from comp.contract.competition import Competition
from comp.contract.sample import Reader, Sample
from comp.data.images import eviction
from comp.data.images.cache_build import (
    Reading,
    Stored,
    bad_images,
    disk_reason,
    find_cache,
    write_cache,
)
from comp.data.images.cache_index import have_states, write_states
from comp.data.images.decode import read_rgb
from comp.data.images.decode_many import OnImage, absolute_sample_paths
from comp.data.images.file_list import FileList, list_files, name_hashes
from comp.data.images.file_table import FileTable, are_unchanged
from comp.data.images.items import MaskedReader
from comp.data.images.masks import read_mask
from comp.data.images.pages import Pages
from comp.data.images.pairs import PairReader, image_size
from comp.data.images.prepared import PreparedImages, absolute_keys
from comp.data.images.values import ValueRange
from comp.data.rle_masks import RleMaskReader
from comp.errors import DataError, DiskError
from comp.files import read_json

Decode = Callable[[Path], np.ndarray]
TARGETS = "targets"
"""The key of a cache's shape that says which files are targets."""
LONGEST = 2**24
"""A longer side is not cached."""


@dataclass(frozen=True)
class PageDecoders:
    """How a reader decodes the images, and the targets if they are images; `shape` says it as
    JSON."""

    image: Decode
    target: Decode | None
    shape: Mapping[str, Any]

    def of(self, samples: Sequence[Sample]) -> dict[str, Decode]:
        """The absolute path of each file, and what decodes it. A file that is both an image and
        another target is left out."""
        found: dict[str, Decode] = {}
        both: set[str] = set()
        for sample in samples:
            pairs = [(sample.image, self.image)] if sample.image else []
            if self.target and isinstance(sample.target, Path):
                pairs.append((sample.target, self.target))
            for file, decode in pairs:
                path = os.path.abspath(file)  # noqa: PTH100
                both |= {path} if found.setdefault(path, decode) is not decode else set()
        return {path: decode for path, decode in found.items() if path not in both}


@dataclass(frozen=True)
class BuiltPages:
    """The folder of a cache, None if there is none; why not; and files that are not in it."""

    pages: Path | None
    reason: str = ""
    left_out: frozenset[str] = frozenset()


def reads_pages(competition: Competition) -> bool:
    """Whether a competition may have a reader of whole images and masks whose files are cached."""
    module = str(getattr(competition.reader, "__module__", ""))
    return "image" in competition.inputs and module.startswith("comp.")


def decoders_of(reader: Reader) -> PageDecoders | None:
    """How a reader of comp decodes its files; None for other readers."""
    if isinstance(reader, PairReader):
        read, both = reader.read, {"image": reader.channels, "target": reader.channels}
        return PageDecoders(read, read, _shape(both, reader.value_range))
    if isinstance(reader, RleMaskReader):
        return PageDecoders(reader.read, None, _shape({"image": 3}, reader.value_range))
    if isinstance(reader, MaskedReader):
        kind: dict[str, Any] = {
            "image": 3,
            "target": "mask",
            "channels": reader.channels,
            "grey": reader.grey,
        }
        image = partial(read_rgb, value_range=reader.value_range)
        target = partial(read_mask, channels=reader.channels, grey=reader.grey)
        return PageDecoders(image, target, _shape(kind, reader.value_range))
    return None


def _shape(kind: Mapping[str, Any], value_range: ValueRange | None) -> dict[str, Any]:
    bounds = value_range.key() if value_range else {}
    return {"pages": dict(kind)} | ({"range": bounds} if bounds else {})


def with_pages(
    reader: Reader, samples: Sequence[Sample], folder: Path, root: Path | None
) -> Reader:
    """The reader, which reads the cached images of `PreparedImages.read_pointer(folder, root)` if
    their files did not change."""
    prepared = PreparedImages.read_pointer(folder, root)
    cache, root, decoders = prepared.pages, prepared.root, decoders_of(reader)
    if cache is None or decoders is None or not _is_valid(cache, samples, decoders, root):
        return reader
    eviction.mark_used(cache)
    assert isinstance(reader, PairReader | RleMaskReader | MaskedReader)
    return replace(reader, pages=Pages(cache, root))


def _is_valid(
    cache: Path, samples: Sequence[Sample], decoders: PageDecoders, root: Path | None
) -> bool:
    try:
        facts = read_json(cache / eviction.FACTS)
        if facts["shape"] | {TARGETS: ""} != dict(decoders.shape) | {TARGETS: ""}:
            return False
        files = _files(decoders.of(samples), root)
        same = are_unchanged(cache.parent, facts["files"], facts["content"], root, files)
        return have_states(cache, files) if same is None else same
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _files(decoders: Mapping[str, Decode], root: Path | None) -> FileList:
    return list_files(list(decoders), root)


def build_pages(
    samples: Sequence[Sample],
    reader: Reader,
    folder: Path,
    *,
    limit_bytes: int | None = None,
    on_image: OnImage | None = None,
    workers: int | None = None,
    root: Path | None = None,
) -> BuiltPages | None:
    """Decode the images and masks of all samples into a cache, unless that cache already exists.

    Args:
        folder: contains all caches.
        limit_bytes: limit of all caches together; None is 20 GB or half of the free disk.

    Returns:
        The cache; None if the reader is not one of comp.
    """
    decoders = decoders_of(reader)
    if decoders is None or not samples:
        return None
    decode = decoders.of(samples)
    table = FileTable.open(folder, _files(decode, root))
    shape = dict(decoders.shape) | _targets(decoders, decode, root)
    reading = Reading(shape, partial(_decoded, decode))
    try:
        cache, table = find_cache(folder, table, reading, workers)
        if cache is None:
            limit = eviction.cache_limit_bytes(folder) if limit_bytes is None else limit_bytes
            needed = sum(_bytes_of(path, decoders, decode) for path in decode)
            if not eviction.make_room(folder, needed, limit):
                reason = (
                    f"{needed / 1e9:.3g} GB of decoded images and masks do not fit into the "
                    f"{limit / 1e9:.3g} GB for caches, so each is decoded in each epoch: set "
                    "image.cache_gb"
                )
                return BuiltPages(None, reason)
            cache, table = write_cache(folder, table, reading, limit, on_image, workers)
        write_states(cache, table.files)
        bad = absolute_keys(bad_images(cache), root)
    except (OSError, DiskError) as error:
        return BuiltPages(None, f"no image cache can be kept in {folder}: {disk_reason(error)}")
    table.save()
    eviction.mark_used(cache)
    return BuiltPages(cache, "", frozenset(bad) | _left_out(samples, decode, decoders))


def _targets(
    decoders: PageDecoders, decode: Mapping[str, Decode], root: Path | None
) -> dict[str, str]:
    """Which files are targets, as a part of the shape, if those are decoded in another way."""
    if decoders.target is None or decoders.target is decoders.image:
        return {}
    names = name_hashes([path for path, how in decode.items() if how is decoders.target], root)
    joined = b"".join(sorted(name.tobytes() for name in names.T))
    return {TARGETS: hashlib.sha256(joined).hexdigest()[:16]}


def _left_out(
    samples: Sequence[Sample], decode: Mapping[str, Decode], decoders: PageDecoders
) -> frozenset[str]:
    """Files of samples that are not decoded here, but by the check of their reader."""
    if decoders.target is None:  # targets are rows of a table
        return frozenset()
    return frozenset(p for s in samples for p in absolute_sample_paths(s) if p not in decode)


def _decoded(decode: Mapping[str, Decode], path: str) -> Stored:
    try:
        pixels = decode[path](Path(path))
    except DataError as error:
        return str(error), ()
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if max(pixels.shape[:2]) >= LONGEST or pixels.dtype not in (np.uint8, np.uint16):
        return f"{path} is not cached", ()
    return pixels, pixels.shape


def _bytes_of(path: str, decoders: PageDecoders, decode: Mapping[str, Decode]) -> int:
    """The bytes of a decoded file, by its header; 0 if that cannot be read."""
    height, width = image_size(Path(path)) or (0, 0)
    kind = decoders.shape["pages"]
    channels = kind["image"] if decode[path] is decoders.image else kind.get("channels", 3)
    return int(height * width * channels)
