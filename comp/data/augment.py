"""Random augmentation of training images, from the section `augment`."""

from __future__ import annotations

from collections.abc import Sequence

from comp.config.augment import POLICIES, AugmentConfig
from comp.config.image_size import ImageSize, height_and_width
from comp.config.schema import RunConfig
from comp.contract.pipeline import Pipeline
from comp.data import steps as of
from comp.data.albumentations_adapter import compose


def classification_pipeline(config: RunConfig, train: bool, size: ImageSize) -> Pipeline:
    """A pipeline over `image`, uint8 (H, W, C), to uint8 (height, width, C) of `size`.

    With `image.resize` = partial, training takes random crops and prediction the middle; with other
    policies the images already have this size. Random changes are made only in training, if
    `loader.augment` is on. The pipeline does not change other entries of an item.
    """
    random = train and config.loader.augment
    crops: list[of.Step] = []
    if config.image.resize == "partial":
        crops.append(_partial_crop(config.augment, size, random))
    steps: list[of.Step] = []
    if random:
        black = config.image.resize == "letterbox"
        steps += _geometry(config.augment, black)
        if config.augment.preset in POLICIES:
            steps.append(of.Policy(policy=config.augment.preset))
        steps += _equalization(config.augment)
        steps += _light(config.augment, config.image.channels)
        steps += _damage(config.augment, config.image.channels)
    return with_steps(config, crops, steps)


def _partial_crop(augment: AugmentConfig, size: ImageSize, random: bool) -> of.Step:
    """The middle, or a random part whose aspect ratio is at most 4:3 away from that of `size`."""
    height, width = height_and_width(size)
    if not random:
        return of.CenterCrop(height=height, width=width)
    ratio = (3 / 4 * (width / height), 4 / 3 * (width / height))
    return of.RandomResizedCrop(height=height, width=width, area=(augment.area, 1.0), ratio=ratio)


def mask_pipeline(config: RunConfig, train: bool, size: ImageSize) -> Pipeline:
    """A pipeline over `image`, uint8 (H, W, C), and the mask `target`, (H, W, K), together.

    Training takes random crops of `size`; smaller images are padded with their
    reflection. Prediction changes nothing. Random changes are made only in training, if
    `loader.augment` is on; a mask changes with its image, and keeps its values.
    """
    steps: list[of.Step] = []
    if train and config.loader.augment:
        steps += _geometry(config.augment, black=False)
        steps += _equalization(config.augment)
        steps += _light(config.augment, config.image.channels)
        steps += _damage(config.augment, config.image.channels)
    crops = [random_crop(size)] if train else []
    return with_steps(config, crops, steps, masks=True)


def random_crop(size: ImageSize) -> of.Step:
    """A random part; smaller images are padded with their reflection."""
    height, width = height_and_width(size)
    return of.RandomCrop(height=height, width=width, border="reflect")


def flips(augment: AugmentConfig) -> list[of.Step]:
    """The flips that the section turns on."""
    steps: list[of.Step] = [of.HorizontalFlip()] * augment.flip
    return [*steps, *[of.VerticalFlip()] * augment.vertical]


def with_steps(
    config: RunConfig, crops: Sequence[of.Step], steps: Sequence[of.Step], masks: bool = False
) -> Pipeline:
    """A pipeline of crops, which give the images of a batch one size, and of random steps after
    them, which `augment.on` = device leaves to the device.

    Args:
        masks: whether the target is an image that moves with its image.

    Raises:
        ConfigError: a step cannot be taken on the device.
    """
    if config.augment.on == "cpu" or not steps:
        return compose([*crops, *steps], masks)
    from comp.data.on_device.pipeline import DeviceSteps

    return compose(crops, masks, DeviceSteps(steps, masks))


def _geometry(augment: AugmentConfig, black: bool) -> list[of.Step]:
    """Flips and quarter turns, a stretch, then rotation, shift and scale in one step. The new area
    at the border is a reflection of the image, or black like the margins of a letterbox."""
    border: of.Border = "black" if black else "reflect"
    steps = flips(augment)
    if augment.quarter_turns:
        steps.append(of.RandomRotate90())
    if augment.stretch:
        width = (1 - augment.stretch, 1 + augment.stretch)
        steps.append(of.Stretch(width=width, border=border))
    if augment.rotate or augment.shift or augment.scale:
        steps.append(
            of.Affine(
                scale=(1 - augment.scale, 1 + augment.scale),
                shift=(-augment.shift, augment.shift),
                rotate=(-augment.rotate, augment.rotate),
                border=border,
            )
        )
    return steps


def _equalization(augment: AugmentConfig) -> list[of.Step]:
    steps: list[of.Step] = []
    if augment.clahe:
        steps.append(of.Equalize(how="clahe", p=augment.clahe))
    if augment.equalize:
        steps.append(of.Equalize(how="histogram", p=augment.equalize))
    return steps


def _light(augment: AugmentConfig, channels: int) -> list[of.Step]:
    """Brightness, contrast, gamma and, for colour images, saturation and hue.

    The range of the hue, in turns of the colour circle, is a quarter of the range of the
    saturation, as in SimCLR (Chen et al. 2020, appendix A).
    """
    steps: list[of.Step] = []
    if augment.brightness or augment.contrast:
        steps.append(
            of.RandomBrightnessContrast(brightness=augment.brightness, contrast=augment.contrast)
        )
    if augment.gamma:
        low = max(0.01, 1 - augment.gamma)  # albumentations takes per cent, at least one
        steps.append(of.RandomGamma(gamma=(low, 1 + augment.gamma)))
    if augment.color and channels == 3:
        saturation = (1 - augment.color, 1 + augment.color)
        hue = (-augment.color / 4, augment.color / 4)
        steps.append(of.ColorJitter(saturation=saturation, hue=hue))
    return steps


def _damage(augment: AugmentConfig, channels: int) -> list[of.Step]:
    """Defects in a share of the images: blur or low resolution, sharpening, noise, resampling,
    JPEG, black rectangles.

    OpenCV resizes at most 4 channels: with more, blurred images do not have a low resolution.
    """
    steps: list[of.Step] = []
    if augment.blur:
        downscale = (0.4, 0.8) if channels <= 4 else None
        steps.append(of.Blur(sigma=(0.5, 2.0), downscale=downscale, p=augment.blur))
    if augment.sharpen:
        sharpen = of.Sharpen(kernel=(3, 7), sigma=(0.5, 2.0), alpha=(0.3, 0.8), p=augment.sharpen)
        steps.append(sharpen)
    if augment.noise:
        steps.append(of.GaussNoise(std=(0.01, 0.05), p=augment.noise))
    if augment.resample:
        steps.append(of.Resample(p=augment.resample))
    if augment.jpeg:
        steps.append(of.Jpeg(p=augment.jpeg))
    if augment.erase:
        steps.append(of.Erase(holes=(1, 3), sides=(0.1, 0.3), p=augment.erase))
    return steps
