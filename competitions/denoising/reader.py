"""Read pages together with their papers."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from comp.contract.sample import Item, Sample
from comp.data.images.decode import read_gray
from comp.data.images.prepared import PreparedImages
from comp.files import take_lock, write_bytes
from comp.streams import print_to_stderr
from competitions.denoising.papers import estimate_paper, recover_papers


@dataclass(frozen=True)
class PageReader:
    """Returns a page as uint8 (H, W, C) and its target as uint8 (H, W, 1), from memory.

    The channels are the page, its paper recovered from the pages on the same paper, and its paper
    estimated from the page alone; one or both papers can be left out.
    """

    pages: Mapping[str, np.ndarray]
    targets: Mapping[str, np.ndarray]
    others: Mapping[Path, str] = field(default_factory=dict)
    """The keys of images that other data have under the same names."""

    @classmethod
    def read_all(cls, samples: Sequence[Sample], background: str, folder: Path) -> PageReader:
        """Read all pages; recovered papers are stored in `folder` for the next fold."""
        known = PreparedImages.read_pointer(folder).value_range
        others = _same_names(samples)
        grey = {_key(s, others): read_gray(s.image_file, known) for s in samples}
        targets = {
            _key(s, others): read_gray(s.target, known)[..., None]
            for s in samples
            if isinstance(s.target, Path)
        }
        layers: list[Mapping[str, np.ndarray]] = [grey]
        if background == "recovered":
            layers.append(_stored_papers(grey, folder / "papers.safetensors"))
        if background != "off":
            layers.append({key: estimate_paper(page) for key, page in grey.items()})
        stacked = {key: np.stack([layer[key] for layer in layers], axis=-1) for key in grey}
        return cls(stacked, targets, others)

    def __call__(self, sample: Sample) -> Item:
        """The page of a sample, and its target if it has one."""
        key = _key(sample, self.others)
        if key in self.targets:
            return {"image": self.pages[key], "target": self.targets[key]}
        return {"image": self.pages[key]}


def _key(sample: Sample, others: Mapping[Path, str]) -> str:
    """A key that is unique over both splits; ids are unique only within a split."""
    return others.get(sample.image_file) or f"{sample.image_file.parent.name}/{sample.id}"


def _same_names(samples: Sequence[Sample]) -> dict[Path, str]:
    """The keys of the images whose folder and id an earlier image has, too: those of other data."""
    first: dict[str, Path] = {}
    return {
        sample.image_file: f"{sample.image_file}/{sample.id}"
        for sample in samples
        if first.setdefault(_key(sample, {}), sample.image_file) != sample.image_file
    }


def _stored_papers(pages: Mapping[str, np.ndarray], path: Path) -> Mapping[str, np.ndarray]:
    """The recovered papers of the pages, from the file if it contains exactly these pages.

    Folds that start at the same time wait for the first of them to recover the papers, and one
    process recovers the papers of the same pages once, also for several folders.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with take_lock(path.with_suffix(".lock"), timeout_s=-1, warn=print_to_stderr):
        papers: Mapping[str, np.ndarray] = {}
        with suppress(FileNotFoundError, SafetensorError):  # a damaged file is written again
            papers = load_file(path)
        if set(papers) != set(pages):
            papers = _recovered(_Pages(pages))
            write_bytes(path, save(dict(papers)))
    return papers


class _Pages:
    """Pages that are equal if their names and pixels are."""

    def __init__(self, pages: Mapping[str, np.ndarray]) -> None:
        self.pages, digest = pages, sha256()
        for name in sorted(pages):
            digest.update(f"{name} {pages[name].shape}".encode())
            digest.update(np.ascontiguousarray(pages[name]).data)
        self._digest = digest.hexdigest()

    def __hash__(self) -> int:
        return hash(self._digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Pages) and other._digest == self._digest


@functools.lru_cache(maxsize=1)
def _recovered(pages: _Pages) -> Mapping[str, np.ndarray]:
    return recover_papers(pages.pages)
