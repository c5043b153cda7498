"""How fast decoders read image files, and whether their pixels are those of comp.

    python benchmarks/decoding.py [--data FOLDER ...] [--sizes 224,640,2000] [--json]

Without --data it draws images with the spectrum of photographs. Each decoder reads the same bytes
in interleaved rounds; figures are CPU seconds and the ratio to comp's, of which below 1 is faster.
Decoders that are not installed (PyTurboJPEG, simplejpeg) and nvJPEG without a GPU are left out.
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image
from results import show

from comp.data.images.decode import read_image

Decoder = Callable[[Path, bytes], np.ndarray]
ROUNDS = 5
AT_LEAST = 224
"""The side of the input of a network, to which large images are decoded smaller."""


def comp_whole(path: Path, _data: bytes) -> np.ndarray:
    """What comp reads today, with its checks."""
    return read_image(path, 3)


def comp_small(path: Path, _data: bytes) -> np.ndarray:
    """The same for an input of 224 pixels."""
    return read_image(path, 3, AT_LEAST)


def pillow(_path: Path, data: bytes) -> np.ndarray:
    """Pillow without a check."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def pillow_small(_path: Path, data: bytes) -> np.ndarray:
    """Pillow's draft mode."""
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (AT_LEAST, AT_LEAST))
    return np.asarray(image.convert("RGB"))


def opencv(_path: Path, data: bytes) -> np.ndarray:
    """OpenCV, RGB."""
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


def opencv_small(_path: Path, data: bytes) -> np.ndarray:
    """OpenCV's reduced modes, at the size of comp's."""
    with Image.open(io.BytesIO(data)) as header:
        ratio = min(header.size) // AT_LEAST
    flags = {1: "IMREAD_COLOR_BGR", 2: "IMREAD_REDUCED_COLOR_2", 4: "IMREAD_REDUCED_COLOR_4"}
    known = max(key for key in (1, 2, 4, 8) if key <= max(1, ratio))
    flag = getattr(cv2, flags.get(known, "IMREAD_REDUCED_COLOR_8"))
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), flag), cv2.COLOR_BGR2RGB)


def torchvision_cpu(_path: Path, data: bytes) -> np.ndarray:
    """torchvision's decoders."""
    from torchvision.io import ImageReadMode, decode_image

    encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return decode_image(encoded, ImageReadMode.RGB).permute(1, 2, 0).numpy()


def nvjpeg(_path: Path, data: bytes) -> np.ndarray:
    """torchvision's decoder on a GPU, alone; it decodes lists faster."""
    from torchvision.io import ImageReadMode, decode_jpeg

    encoded = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    return decode_jpeg(encoded, ImageReadMode.RGB, "cuda").permute(1, 2, 0).cpu().numpy()


def others() -> Iterator[tuple[str, Decoder]]:
    """Decoders that are installed here."""
    try:
        import simplejpeg

        yield "simplejpeg", lambda _path, data: simplejpeg.decode_jpeg(data)
        yield (
            "simplejpeg small",
            lambda _path, data: simplejpeg.decode_jpeg(
                data, min_height=AT_LEAST, min_width=AT_LEAST, min_factor=1
            ),
        )
    except ImportError:
        pass
    try:
        from turbojpeg import TJPF_RGB, TurboJPEG

        turbo = TurboJPEG()
        yield "PyTurboJPEG", lambda _path, data: turbo.decode(data, pixel_format=TJPF_RGB)
    except (ImportError, RuntimeError):
        pass
    if torch.cuda.is_available():
        yield "nvJPEG", nvjpeg


def decoders(small: bool, jpeg: bool) -> dict[str, Decoder]:
    """All decoders of whole images, or those that can decode to a smaller size."""
    more = dict(others()) if jpeg else {}
    if small:
        found = {"comp": comp_small, "Pillow": pillow_small, "OpenCV": opencv_small}
        return found | {name: each for name, each in more.items() if "small" in name}
    found = {"comp": comp_whole, "Pillow": pillow, "OpenCV": opencv}
    found["torchvision"] = torchvision_cpu
    return found | {name: each for name, each in more.items() if "small" not in name}


def drawn(folder: Path, sizes: Sequence[int]) -> dict[str, list[Path]]:
    """JPEGs and PNGs of noise with the spectrum of photographs."""
    groups: dict[str, list[Path]] = {}
    for size in sizes:
        image = Image.fromarray(_photo(size, np.random.default_rng(size)))
        for suffix, options in ((".jpg", {"quality": 90}), (".png", {})):
            path = folder / f"{size}{suffix}"
            image.save(path, **options)
            groups[f"{size} px {suffix[1:]}"] = [path]
    return groups


def _photo(size: int, generator: np.random.Generator) -> np.ndarray:
    rows, columns = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None]
    falling = 1 / np.maximum(np.hypot(rows, columns), 1 / size)
    planes = []
    for _ in range(3):
        noise = np.fft.rfft2(generator.normal(size=(size, size)))
        planes.append(np.fft.irfft2(noise * falling, (size, size)))
    grey, *colours = planes
    mixed = np.stack([grey, grey + 0.3 * colours[0], grey + 0.3 * colours[1]], axis=2)
    return (127 + 45 * mixed / mixed.std()).clip(0, 255).astype(np.uint8)


def found(folders: Sequence[Path], most: int) -> dict[str, list[Path]]:
    """The first images below each folder, by suffix."""
    groups: dict[str, list[Path]] = {}
    for folder in folders:
        for suffix in (".jpg", ".jpeg", ".png"):
            paths = sorted(folder.rglob(f"*{suffix}"))[:most]
            if paths:
                groups[f"{folder.name} {suffix[1:]}"] = paths
    return groups


def measured(name: str, paths: Sequence[Path], small: bool, seconds: float) -> list[dict[str, Any]]:
    """A row for each decoder of one group of images."""
    jpeg = paths[0].suffix != ".png"
    all_of_them = decoders(small, jpeg)
    data = [(path, path.read_bytes()) for path in paths]
    expected = [all_of_them["comp"](*each) for each in data]
    spent: dict[str, list[float]] = {key: [] for key in all_of_them}
    start = time.process_time()
    for each in data:
        comp_whole(*each)
    repeats = max(1, round(seconds / max(1e-4, time.process_time() - start)))
    for _ in range(ROUNDS):
        for key, decode in all_of_them.items():
            start = time.process_time()
            for _ in range(repeats):
                for each in data:
                    decode(*each)
            spent[key].append((time.process_time() - start) / repeats / len(data) * 1e3)
    usual = statistics.median(spent["comp"])
    return [
        {
            "images": name + (f", at least {AT_LEAST}" if small else ""),
            "decoder": key,
            "CPU ms": statistics.median(values),
            "ratio": statistics.median(a / b for a, b in zip(values, spent["comp"], strict=True)),
            "spread": (max(values) - min(values)) / usual,
            "equal": _equal([all_of_them[key](*each) for each in data], expected),
        }
        for key, values in spent.items()
    ]


def _equal(made: Sequence[np.ndarray], expected: Sequence[np.ndarray]) -> str:
    if any(a.shape != b.shape for a, b in zip(made, expected, strict=True)):
        return "other size"
    pairs = zip(made, expected, strict=True)
    worst = max(int(np.abs(a.astype(int) - b).max()) for a, b in pairs)
    return "yes" if worst == 0 else f"to {worst}"


def threaded(paths: Sequence[Path], threads: int) -> float:
    """Images a second of comp's decoder."""
    with ThreadPoolExecutor(threads) as pool:
        start = time.perf_counter()
        list(pool.map(lambda path: read_image(path, 3), [*paths] * max(1, 64 // len(paths))))
    return len(paths) * max(1, 64 // len(paths)) / (time.perf_counter() - start)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, nargs="*", default=[])
    parser.add_argument("--most", type=int, default=40, help="images of each folder")
    parser.add_argument("--sizes", default="224,640,2000")
    parser.add_argument("--seconds", type=float, default=0.3, help="of a decoder in a round")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        groups = drawn(Path(folder), [int(size) for size in given.sizes.split(",")])
        groups |= found(given.data, given.most)
        rows, notes = [], []
        for name, paths in groups.items():
            rows += measured(name, paths, False, given.seconds)
            if min(Image.open(paths[0]).size) >= 2 * AT_LEAST and paths[0].suffix != ".png":
                rows += measured(name, paths, True, given.seconds)
            one, two = threaded(paths, 1), threaded(paths, 2)
            notes.append(f"{name}: two threads {two / one:.2f} times as fast as one")
        show("Decoding", rows, notes, given.json)


if __name__ == "__main__":
    main()
