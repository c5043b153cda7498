"""Draw a small data set in the layout of Chest X-Ray Images, with its difficulties.

The only difference between the classes is soft: lungs with pneumonia have haze of random strength
and position, healthy lungs at most a faint shade. Anatomy, brightness and crop are independent of
the class.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator

from comp.data.images.decode import write_image

SIDE = 256
"""Side in pixels of the square on which a thorax is drawn, before it is resized."""

Y, X = (np.indices((SIDE, SIDE), dtype=np.float32) / SIDE - 0.5).astype(np.float32)

COUNTS = {
    ("train", "NORMAL"): 30,
    ("train", "PNEUMONIA"): 90,
    ("val", "NORMAL"): 4,
    ("val", "PNEUMONIA"): 4,
    ("test", "NORMAL"): 16,
    ("test", "PNEUMONIA"): 24,
}


@dataclass(frozen=True)
class Anatomy:
    """The common properties of a patient's images; lengths are shares of the image's side."""

    width: float
    height: float
    gap: float
    heart: float
    ribs: float
    slope: float
    bone: float

    @classmethod
    def draw(cls, rng: Generator) -> Anatomy:
        """Draw the anatomy of a random patient."""
        low = np.array([0.11, 0.24, 0.15, 0.10, 16.0, -0.6, 0.05])
        high = np.array([0.15, 0.32, 0.19, 0.17, 22.0, 0.2, 0.12])
        return cls(*rng.uniform(low, high).tolist())


def draw_radiographs(root: Path, rng: Generator) -> None:
    """Write 168 images of about 65 patients into `{train,val,test}/{NORMAL,PNEUMONIA}`, a second
    copy of a few of them, and the extra files of macOS archives."""
    number = 1
    for (split, name), count in COUNTS.items():
        done = 0
        while done < count:
            anatomy = Anatomy.draw(rng)
            images = min(int(rng.integers(1, 5)), count - done)
            for index in range(images):
                stem = _file_stem(name, number, done + index, index)
                path = root / split / name / stem
                _write(path, draw_radiograph(rng, anatomy, name == "PNEUMONIA"), rng)
            number, done = number + 1, done + images
    _add_extra_files(root)


def _file_stem(name: str, patient: int, image: int, index: int) -> str:
    """A file name like those of the real data; `index` counts the images of the patient."""
    if name == "PNEUMONIA":
        return f"person{patient}_{('bacteria', 'virus')[patient % 2]}_{1000 + image}"
    prefix = ("IM", "NORMAL2-IM")[patient % 2]
    return f"{prefix}-{patient:04d}-0001" + f"-{index:04d}" * (index > 0)


def _write(path: Path, image: np.ndarray, rng: Generator) -> None:
    """Write most images as grey JPEG, some in colour, and some as PNG."""
    draw = rng.random()
    suffix = ".png" if draw < 0.1 else ".jpg" if draw < 0.2 else ".jpeg"
    if rng.random() < 0.1:
        image = np.repeat(image[..., None], 3, axis=2)
    write_image(path.parent / f"{path.name}{suffix}", image)


def _add_extra_files(root: Path) -> None:
    """Write a second copy of some images, and system files with names of images."""
    for folder in sorted(root.glob("*/*")):
        first = min(folder.iterdir())
        copy = root / "chest_xray" / first.relative_to(root)
        fork = root / "__MACOSX" / copy.relative_to(root).with_name(f"._{first.name}")
        for path, content in ((copy, first.read_bytes()), (fork, b"\0\5\x16\7")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        (folder / f"._{first.name}").write_bytes(b"\0\5\x16\7")
        (folder / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    (root / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")


def draw_radiograph(rng: Generator, anatomy: Anatomy, ill: bool) -> np.ndarray:
    """One image of a patient: uint8 (H, W), 150 to 400 pixels a side."""
    lungs = _lungs(anatomy)
    body = _soft_step(0.46 - np.hypot(X * rng.uniform(0.85, 1.0), Y * 0.62), 0.03)
    ribs = np.sin(anatomy.ribs * 2 * np.pi * (Y + anatomy.slope * np.abs(X) * (1 - np.abs(X))) / 2)
    heart = _soft_step(anatomy.heart - np.hypot((X - 0.045) * 1.1, (Y - 0.12) * 0.8), 0.02)
    spine = np.exp(-((X / 0.035) ** 2))
    dark = lungs * (0.50 - 0.30 * heart)
    image = body * (0.62 + 0.10 * spine - dark) + anatomy.bone * ribs * body * (0.3 + 0.7 * lungs)
    image += lungs * 0.05 * _smooth_noise(rng, 4)
    image += lungs * _haze(rng, lungs) * (rng.uniform(0.2, 0.45) if ill else rng.uniform(0, 0.08))
    image = rng.uniform(0.85, 1.2) * image.clip(0, 1) ** rng.uniform(0.8, 1.25)
    return _finish(rng, image)


def _lungs(anatomy: Anatomy) -> np.ndarray:
    """The mask of the lungs: float (SIDE, SIDE) in 0..1; the one next to the heart is narrower."""
    both = np.zeros_like(X)
    for side, narrow in ((-1, 1.0), (1, 0.88)):
        across = (X - side * anatomy.gap) / (anatomy.width * narrow * (1 + 0.5 * Y))
        both = np.maximum(both, _soft_step(1 - np.hypot(across, (Y + 0.02) / anatomy.height), 0.06))
    return np.asarray(both)


def _haze(rng: Generator, lungs: np.ndarray) -> np.ndarray:
    """Hazy patches in the lungs: float (SIDE, SIDE) from 0 to 1.5."""
    inside = np.argwhere(lungs > 0.7)
    patches = np.zeros_like(X)
    for row, column in inside[rng.integers(0, len(inside), rng.integers(1, 4))]:
        distance = np.hypot(X - (column / SIDE - 0.5), Y - (row / SIDE - 0.5))
        patches += np.exp(-((distance / rng.uniform(0.07, 0.16)) ** 2))
    return np.asarray((patches * (1 + 0.35 * _smooth_noise(rng, 8))).clip(0, 1.5))


def _smooth_noise(rng: Generator, scale: float) -> np.ndarray:
    """Smooth noise of mean 0 and deviation 1; its structures are about `scale` pixels wide."""
    noise = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE), dtype=np.float32), (0, 0), scale)
    return np.asarray((noise - noise.mean()) / noise.std())


def _soft_step(inside: np.ndarray, edge: float) -> np.ndarray:
    """A smooth step of width `edge` from 0 to 1, at the zero of `inside`."""
    return np.asarray(1 / (1 + np.exp(np.clip(-4 * inside / edge, -30, 30))))


def _finish(rng: Generator, image: np.ndarray) -> np.ndarray:
    """Rotate, crop and resize, then add grain, black borders and a marker: uint8 (H, W)."""
    centre = (SIDE / 2, SIDE / 2)
    warp = cv2.getRotationMatrix2D(centre, rng.uniform(-6, 6), rng.uniform(1, 1.2))
    warp[:, 2] += rng.uniform(-10, 10, 2)
    image = cv2.warpAffine(image.astype(np.float32), warp, (SIDE, SIDE))
    height, width = int(rng.integers(150, 341)), int(rng.integers(180, 401))
    image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    image += rng.normal(0, rng.uniform(0.01, 0.04), image.shape)
    pixels: np.ndarray = (image * 255).clip(0, 255).astype(np.uint8)
    border = int(rng.integers(1, 20))
    if rng.random() < 0.4:
        pixels[:, :border] = pixels[:, -border:] = 0
    if rng.random() < 0.6:
        corner = (int(width * rng.uniform(0.03, 0.15)), int(height * 0.12))
        cv2.putText(pixels, "R", corner, cv2.FONT_HERSHEY_SIMPLEX, height / 400, 255.0, 2)
    return pixels
