"""What a cache of features contains, and the key of its folder."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from comp.config.schema import RunConfig
from comp.contract.competition import Competition
from comp.contract.plugin_source import source_hash_of
from comp.contract.sample import Reader, Sample
from comp.data.images.decode_many import absolute_image_path
from comp.data.images.items import numbers_of
from comp.data.images.prepared import relative_key
from comp.data.pipelines import on_cpu, pipeline_of

FORMAT = 1
"""Part of the key; increase it when the layout of a cache or its content changes."""
FLOAT32_VALUES = 4096
"""Features of at most this many values per image are kept in float32, larger ones in float16."""

OnImage = Callable[[int, int], None]
"""(images done, total images) -> None."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a cache of features contains.

    The first `training` of the `samples` have `views` augmented views. All have one plain view for
    each of the `symmetries`, a key of `comp.inference.tta.SYMMETRIES`. `shape` is that of the
    features of one view, and `network` describes what computes them, as JSON.
    """

    samples: Sequence[Sample]
    training: int
    views: int
    symmetries: str
    copies: int
    """Number of symmetries."""
    shape: tuple[int, ...]
    network: Mapping[str, Any]
    root: Path | None = None
    """The folder of the data, to which the paths of samples are relative."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """float32 for small features, else float16."""
        small = int(np.prod(self.shape)) <= FLOAT32_VALUES
        return np.dtype(np.float32 if small else np.float16)

    @property
    def plain_shape(self) -> tuple[int, ...]:
        """(samples, copies, *shape)."""
        return (len(self.samples), self.copies, *self.shape)

    @property
    def views_shape(self) -> tuple[int, ...]:
        """(training, views, *shape)."""
        return (self.training, self.views, *self.shape)

    @property
    def bytes(self) -> int:
        """The size of all features."""
        values = int(np.prod(self.plain_shape)) + int(np.prod(self.views_shape))
        return values * self.dtype.itemsize

    @property
    def passes(self) -> int:
        """The number of images that the network sees."""
        return len(self.samples) * self.copies + self.training * self.views

    def keys(self, images: str) -> list[str]:
        """The names of the folder: that of a new one, and that of an earlier version, which has
        absolute paths.

        Args:
            images: digest of the images.
        """
        return list(dict.fromkeys(self._key(images, root) for root in (self.root, None)))

    def key(self, images: str) -> str:
        """The name of a new folder, the first of `keys`."""
        return self.keys(images)[0]

    def _key(self, images: str, root: Path | None) -> str:
        """The start of a SHA-256, in hex."""
        names = [sample_key(sample, root) for sample in self.samples]
        facts = [
            FORMAT,
            images,
            hashlib.sha256("\n".join(names).encode(errors="surrogateescape")).hexdigest(),
            self.training,
            self.views if self.training else 0,
            self.symmetries,
            self.shape,
            self.network,
            torch.__version__,
            *map(_version, ("timm", "albumentations")),
        ]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]


def sample_key(sample: Sample, root: Path | None = None) -> str:
    """What identifies a sample among those of the training and the test data: its path, relative to
    `root` if it is in there, and its id."""
    return f"{relative_key(absolute_image_path(sample), root)}\0{sample.id}"


def backbone_facts(config: RunConfig) -> dict[str, Any]:
    """What the configuration says of the backbone: two backbones of the same weights may differ in
    their arguments alone."""
    arguments = config.backbone_args
    return {"backbone": config.backbone} | ({"arguments": arguments} if arguments else {})


def pipeline_texts(
    competition: Competition, config: RunConfig, randoms: Sequence[bool]
) -> list[str]:
    """The pipelines of a competition as text, and the source of those of a plugin, whose own
    transforms say little of themselves.

    Args:
        randoms: whether each is that of the training.
    """
    config = on_cpu(config)
    texts = [pipeline_of(competition, config, random).describe() for random in randoms]
    function: Any = competition.pipeline
    while isinstance(function, partial):
        function = function.func
    module = str(getattr(function, "__module__", ""))
    file = getattr(sys.modules.get(module), "__file__", None)
    if module.partition(".")[0] == "comp" or file is None:
        return texts
    return [*texts, source_hash_of(module, Path(file))]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def digest_images(
    samples: Sequence[Sample], reader: Reader, on_image: OnImage | None
) -> tuple[str, str]:
    """A SHA-256, in hex, of the images of all samples as they are read, and the id of a sample
    whose target the reader changes, "" if there is none."""
    digest, changed = hashlib.sha256(), ""
    for done, sample in enumerate(samples, start=1):
        item = reader(sample)
        if not _same_target(item.get("target"), numbers_of(sample).get("target")):
            changed = changed or sample.id
        image = np.ascontiguousarray(item["image"])
        digest.update(f"{image.dtype}{image.shape}".encode())
        digest.update(image.data)
        if on_image:
            on_image(done, len(samples))
    return digest.hexdigest(), changed


def _same_target(read: np.ndarray | None, expected: np.ndarray | None) -> bool:
    if read is None or expected is None:
        return read is expected
    return np.array_equal(np.asarray(read, dtype=np.float32).reshape(-1), expected)


def digest_weights(network: nn.Module, names: Sequence[str]) -> str:
    """A SHA-256, in hex, of parameters and buffers of a network, by name."""
    state: Mapping[str, Tensor] = network.state_dict()
    digest = hashlib.sha256()
    for name in names:
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}{tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
