"""The recipes of `lightning_peer.py`: data, network, loss, optimizer and schedule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import segmentation_models_pytorch as smp
import timm
import torch
from contract import Job
from dense_data import Masks, Pages
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional as F


class Recipe(NamedTuple):
    """What a user writes down for a training."""

    make: Callable[[], torch.nn.Module]
    network: torch.nn.Module
    data: Callable[[Sequence[Mapping[str, str]], bool | None], Any]
    """The data set of some rows: to train on, to validate (False), or to predict (None)."""
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    answer: Callable[[torch.Tensor], torch.Tensor]
    """From the output of the network to what is written."""
    optimizer: Callable[[Any, int], tuple[Any, Any]]
    """An optimizer and a schedule over a number of steps."""
    batch: int

    def fresh(self) -> Recipe:
        """The recipe with a new network."""
        return self._replace(network=self.make())


class Photographs(torch.utils.data.Dataset[Any]):
    """Images with the transforms of timm, and their labels if they are known."""

    def __init__(self, rows: Sequence[Mapping[str, str]], training: bool | None, cfg: Any) -> None:
        """Keep the rows; `training` is None for images without a label."""
        self.rows, self.known = rows, training is not None
        self.transform = timm.data.create_transform(**cfg, is_training=bool(training))

    def __len__(self) -> int:
        """The number of images."""
        return len(self.rows)

    def __getitem__(self, index: int) -> Any:
        """An image, or an image and its label."""
        row = self.rows[index]
        with Image.open(row["image"]) as file:
            image = self.transform(file.convert("RGB"))
        return (image, int(float(row["target"]))) if self.known else image


def classes(job: Job) -> Recipe:
    """A classifier of timm."""
    make = partial(timm.create_model, job.backbone, num_classes=2, **job.pretrained)
    network = make()
    cfg = timm.data.resolve_data_config(network.pretrained_cfg)
    cfg["input_size"] = (3, job.size, job.size)
    return Recipe(
        make=make,
        network=network,
        data=partial(Photographs, cfg=cfg),
        loss=F.cross_entropy,
        answer=lambda out: out.softmax(1)[:, 1],
        optimizer=one_cycle,
        batch=32,
    )


def masks(job: Job) -> Recipe:
    """A U-Net for masks."""
    make = partial(unet, job, channels=3)
    cfg = timm.get_pretrained_cfg(job.backbone)
    return Recipe(
        make=make,
        network=make(),
        data=partial(Masks, mean=cfg.mean, std=cfg.std),
        loss=smp.losses.DiceLoss(smp.losses.BINARY_MODE, from_logits=True),
        answer=torch.sigmoid,
        optimizer=cosine,
        batch=16,
    )


def pages(job: Job) -> Recipe:
    """A U-Net for pages of any size."""
    make = partial(unet, job, channels=1)
    return Recipe(
        make=lambda: Padded(make()),
        network=Padded(make()),
        data=Pages,
        loss=lambda out, clean: F.mse_loss(out.sigmoid(), clean),
        answer=torch.sigmoid,
        optimizer=one_cycle,
        batch=8,
    )


class Padded(torch.nn.Module):
    """Pads images to multiples of 32, as the U-Net needs them, and crops its output."""

    def __init__(self, network: torch.nn.Module) -> None:
        """Keep the network."""
        super().__init__()
        self.network = network

    def forward(self, pages: torch.Tensor) -> torch.Tensor:
        """The output in the size of the pages."""
        height, width = pages.shape[-2:]
        padded = F.pad(pages, (0, -width % 32, 0, -height % 32), mode="reflect")
        out: torch.Tensor = self.network(padded)[..., :height, :width]
        return out


def unet(job: Job, channels: int) -> torch.nn.Module:
    """A U-Net of segmentation_models_pytorch on the backbone, with its weights."""
    network = smp.Unet(f"tu-{job.backbone}", encoder_weights=None, in_channels=channels, classes=1)
    if job.weights:
        weights = load_file(job.weights)
        encoder = network.encoder.model
        if channels == 1:
            first = next(name for name, value in weights.items() if value.shape[1:2] == (3,))
            weights[first] = weights[first].sum(1, keepdim=True)
        missing = encoder.load_state_dict(weights, strict=False).missing_keys
        if missing:
            raise ValueError(f"{job.weights} lacks {len(missing)} tensors, such as {missing[0]}")
    return network


def one_cycle(parameters: Any, steps: int) -> tuple[Any, Any]:
    """AdamW with 1e-3, one cycle."""
    optimizer = torch.optim.AdamW(parameters, lr=1e-3)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps)


def cosine(parameters: Any, steps: int) -> tuple[Any, Any]:
    """Adam with 2e-4, cosine to 1e-5."""
    optimizer = torch.optim.Adam(parameters, lr=2e-4)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps, eta_min=1e-5)


RECIPES: Mapping[str, Callable[[Job], Recipe]] = {
    "denoising": pages,
    "chest-xray": classes,
    "cats-dogs": classes,
    "salt": masks,
}
