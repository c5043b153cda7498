"""Random augmentation of training images, from the section `augment`."""

from __future__ import annotations

import albumentations as A
import cv2

from comp.config.augment import POLICIES, AugmentConfig
from comp.config.image_size import ImageSize, height_and_width
from comp.config.schema import RunConfig
from comp.data.transforms import Equalize, Jpeg, Policy, Resample


def classification_pipeline(config: RunConfig, train: bool, size: ImageSize) -> A.Compose:
    """A pipeline over `image`, uint8 (H, W, C), to uint8 (height, width, C) of `size`.

    With `image.resize` = partial, training takes random crops and prediction the middle; with other
    policies the images already have this size. Random changes are made only in training, if
    `loader.augment` is on. The pipeline does not change other entries of an item.
    """
    random = train and config.loader.augment
    steps: list[A.BasicTransform | A.BaseCompose] = []
    if config.image.resize == "partial":
        steps.append(_partial_crop(config.augment, size, random))
    if random:
        black = config.image.resize == "letterbox"
        steps += _geometry(config.augment, black)
        if config.augment.preset in POLICIES:
            steps.append(Policy(config.augment.preset))
        steps += _equalization(config.augment)
        steps += _light(config.augment, config.image.channels)
        steps += _damage(config.augment, config.image.channels)
    return A.Compose(steps)


def _partial_crop(augment: AugmentConfig, size: ImageSize, random: bool) -> A.BasicTransform:
    """The middle, or a random part whose aspect ratio is at most 4:3 away from that of `size`."""
    height, width = height_and_width(size)
    if not random:
        return A.CenterCrop(height, width)
    ratio = (3 / 4 * (width / height), 4 / 3 * (width / height))
    return A.RandomResizedCrop((height, width), scale=(augment.area, 1.0), ratio=ratio)


def mask_pipeline(config: RunConfig, train: bool, size: ImageSize) -> A.Compose:
    """A pipeline over `image`, uint8 (H, W, C), and the mask `target`, (H, W, K), together.

    Training takes random crops of `size`; smaller images are padded with their
    reflection. Prediction changes nothing. Random changes are made only in training, if
    `loader.augment` is on; a mask changes with its image, and keeps its values.
    """
    steps: list[A.BasicTransform | A.BaseCompose] = []
    if train:
        border = cv2.BORDER_REFLECT_101
        crop = height_and_width(size)
        steps.append(A.RandomCrop(*crop, pad_if_needed=True, border_mode=border))
    if train and config.loader.augment:
        steps += _geometry(config.augment, black=False)
        steps += _equalization(config.augment)
        steps += _light(config.augment, config.image.channels)
        steps += _damage(config.augment, config.image.channels)
    return A.Compose(steps, additional_targets={"target": "mask"})


def _geometry(augment: AugmentConfig, black: bool) -> list[A.BasicTransform]:
    """Flips and quarter turns, a stretch, then rotation, shift and scale in one step. The new area
    at the border is a reflection of the image, or black like the margins of a letterbox."""
    border = cv2.BORDER_CONSTANT if black else cv2.BORDER_REFLECT_101
    steps: list[A.BasicTransform] = []
    if augment.flip:
        steps.append(A.HorizontalFlip(p=0.5))
    if augment.vertical:
        steps.append(A.VerticalFlip(p=0.5))
    if augment.quarter_turns:
        steps.append(A.RandomRotate90(p=1.0))
    if augment.stretch:
        width = (1 - augment.stretch, 1 + augment.stretch)
        scale = {"x": width, "y": (1.0, 1.0)}
        steps.append(A.Affine(scale=scale, keep_ratio=False, border_mode=border, p=1.0))
    if augment.rotate or augment.shift or augment.scale:
        shift = (-augment.shift, augment.shift)
        steps.append(
            A.Affine(
                scale=(1 - augment.scale, 1 + augment.scale),
                translate_percent={"x": shift, "y": shift},
                rotate=(-augment.rotate, augment.rotate),
                keep_ratio=True,
                border_mode=border,
                p=1.0,
            )
        )
    return steps


def _equalization(augment: AugmentConfig) -> list[A.BasicTransform]:
    steps: list[A.BasicTransform] = []
    if augment.clahe:
        steps.append(Equalize("clahe", p=augment.clahe))
    if augment.equalize:
        steps.append(Equalize("histogram", p=augment.equalize))
    return steps


def _light(augment: AugmentConfig, channels: int) -> list[A.BasicTransform]:
    """Brightness, contrast, gamma and, for colour images, saturation and hue.

    The range of the hue, in turns of the colour circle, is a quarter of the range of the
    saturation, as in SimCLR (Chen et al. 2020, appendix A).
    """
    steps: list[A.BasicTransform] = []
    if augment.brightness or augment.contrast:
        steps.append(A.RandomBrightnessContrast(augment.brightness, augment.contrast, p=1.0))
    if augment.gamma:
        low = max(1.0, 100 * (1 - augment.gamma))  # albumentations takes per cent, at least one
        steps.append(A.RandomGamma((low, 100 * (1 + augment.gamma)), p=1.0))
    if augment.color and channels == 3:
        steps.append(
            A.ColorJitter(
                brightness=(1, 1),
                contrast=(1, 1),
                saturation=(1 - augment.color, 1 + augment.color),
                hue=(-augment.color / 4, augment.color / 4),
                p=1.0,
            )
        )
    return steps


def _damage(augment: AugmentConfig, channels: int) -> list[A.BasicTransform | A.BaseCompose]:
    """Defects in a share of the images: blur or low resolution, sharpening, noise, resampling,
    JPEG, black rectangles.

    OpenCV resizes at most 4 channels: with more, blurred images do not have a low resolution.
    """
    steps: list[A.BasicTransform | A.BaseCompose] = []
    if augment.blur:
        blurs: list[A.BasicTransform] = [A.GaussianBlur(sigma_limit=(0.5, 2.0), p=1.0)]
        if channels <= 4:
            interpolation = {"downscale": cv2.INTER_AREA, "upscale": cv2.INTER_LINEAR}
            blurs.append(A.Downscale((0.4, 0.8), interpolation_pair=interpolation, p=1.0))
        steps.append(A.OneOf(blurs, p=augment.blur))
    if augment.sharpen:
        steps.append(A.UnsharpMask((3, 7), (0.5, 2.0), (0.3, 0.8), threshold=0, p=augment.sharpen))
    if augment.noise:
        steps.append(A.GaussNoise((0.01, 0.05), per_channel=False, p=augment.noise))
    if augment.resample:
        steps.append(Resample(p=augment.resample))
    if augment.jpeg:
        steps.append(Jpeg(p=augment.jpeg))
    if augment.erase:
        sides = (0.1, 0.3)
        steps.append(A.CoarseDropout((1, 3), sides, sides, fill=0, p=augment.erase))
    return steps
