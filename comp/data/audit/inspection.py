"""Images looked at one by one: whether a run can read them, and what is odd about them."""

from __future__ import annotations

import hashlib
import io
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from comp.data.audit.findings import Finding, Severity, found
from comp.data.audit.near_duplicates import Signature, signature
from comp.data.cores import cores
from comp.data.images.decode import MAX_FILE_BYTES, MAX_PIXELS, read_gray, read_rgb
from comp.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

OnImage = Callable[[int, int], None]
"""(images done, images in all)."""

FORMATS = {
    ".jpg": ("JPEG", "MPO"),
    ".jpeg": ("JPEG", "MPO"),
    ".png": ("PNG",),
    ".bmp": ("BMP", "DIB"),
    ".tif": ("TIFF",),
    ".tiff": ("TIFF",),
    ".webp": ("WEBP",),
    ".gif": ("GIF",),
}
"""What a file of a suffix should hold, in Pillow's names."""

LEAST_SIDE = 8
"""An image with a shorter side than this, in pixels, is extreme."""
MOST_ASPECT = 20
"""An image so many times longer than wide is extreme."""
CUT = ("truncated", "unexpected end", "end of file", "not enough")
"""Words with which Pillow says that a file ends too early."""
ORIENTATION = 274
"""The EXIF tag of how the camera was held; 1 is upright."""

KINDS: dict[str, tuple[Severity, str, str]] = {
    "unreadable": (
        "error",
        "files that cannot be read, or are no image",
        "mend what the reason says, or replace or remove them",
    ),
    "truncated": (
        "error",
        "images that end too early; most programs show their upper part and say nothing",
        "fetch them again, or remove them",
    ),
    "damaged": ("error", "images whose content is damaged", "fetch them again, or remove them"),
    "refused": (
        "error",
        "images that a run refuses to read",
        "mend them as the reason says, or remove them",
    ),
    "suffix": (
        "warning",
        "images of another format than their suffix says; they are read by their content",
        "rename them: other programs may go by the suffix",
    ),
    "16-bit": (
        "warning",
        "images of more than 8 bits a channel; the upper 8 bits are used",
        "stretch their greys to 8 bits beforehand, where they lie in the lower bits",
    ),
    "cmyk": (
        "warning",
        "images in the colours of print (CMYK), which programs turn into RGB differently",
        "save them as RGB",
    ),
    "alpha": (
        "warning",
        "images with transparency, which are laid on white",
        "look at one of them: what is see-through may hide something",
    ),
    "animated": (
        "warning",
        "files of several images, of which the first is used",
        "save the frame that is meant",
    ),
    "rotation": (
        "warning",
        "images that EXIF says to turn; a run turns them upright, other programs may not",
        "turn the pixels and drop the tag, most of all where a target image goes with them",
    ),
    "extreme-size": (
        "warning",
        f"images with a side below {LEAST_SIDE} pixels, or {MOST_ASPECT} times longer than wide",
        "look at them: they are hardly what was meant",
    ),
    "blank": (
        "warning",
        "images of a single colour",
        "look at them: they show nothing",
    ),
    "palette": ("note", "images with a palette; they are read as colour", ""),
    "1-bit": ("note", "images of black and white alone; they are read as grey", ""),
}
"""What may be found in an image: how bad that is, what it means, what to do."""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """One image as it was found.

    `kinds` names what is odd, by the keys of `KINDS`. Of what cannot be read it names that alone,
    and `reason` says why; "" where it can. `mode` is Pillow's, `size` is (height, width) in pixels
    as it is read, None where it is not.
    `digest` is one of the decoded pixels, or of the bytes where they were not decoded, and
    `signature` tells it from others, None where nothing can.
    """

    path: Path
    digest: str = ""
    kinds: tuple[str, ...] = ()
    reason: str = ""
    mode: str = ""
    size: tuple[int, int] | None = None
    signature: Signature | None = None


def inspect_images(
    paths: Sequence[Path], on_image: OnImage | None = None, *, decode: bool = True
) -> list[Inspection]:
    """Inspection at files, in their order, with a thread a core, at most 8.

    Without `decode` only their bytes are hashed. Empty and missing files give a look of no digest
    and no kinds: they have findings of their own.
    """
    from PIL import Image

    threads = min(8, cores())
    inspections: list[Inspection] = []
    with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        warnings.simplefilter("ignore")  # Pillow warns of damaged EXIF and the like
        most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # that of a run holds instead
        try:
            for start in range(0, len(paths), 16 * threads):
                for look in pool.map(
                    inspect_image if decode else _hashed, paths[start : start + 16 * threads]
                ):
                    inspections.append(look)
                    if on_image:
                        on_image(len(inspections), len(paths))
        finally:
            Image.MAX_IMAGE_PIXELS = most
    return inspections


def inspect_image(path: Path) -> Inspection:
    """Decode one file to its end, as a run does, and say what is odd."""
    from PIL import Image

    look, data = _read(path)
    if not data:
        return look
    try:
        with Image.open(io.BytesIO(data)) as image:
            look = replace(look, kinds=_odd(path, image, data), mode=image.mode)
    except Exception:  # what Pillow raises for damaged headers is of every kind
        return replace(look, kinds=("unreadable",), reason=f"{len(data):,} bytes")
    try:
        grey = look.mode in ("1", "L") and "alpha" not in look.kinds
        pixels = read_gray(path) if grey else _plain(read_rgb(path))
    except DataError as error:
        kind, reason = _damage(data, str(error))
        return replace(look, kinds=(kind,), reason=reason)
    content = hashlib.sha256(f"{pixels.shape}".encode())
    content.update(np.ascontiguousarray(pixels).data)
    return replace(
        look,
        digest=content.hexdigest(),
        kinds=look.kinds + ("blank",) * bool(pixels.min() == pixels.max()),
        size=pixels.shape[:2],
        signature=signature(pixels),
    )


def _hashed(path: Path) -> Inspection:
    return _read(path)[0]


def _read(path: Path) -> tuple[Inspection, bytes]:
    """A look of a digest, and the bytes; or of what keeps a run from reading them, and none."""
    look = Inspection(path=path)
    try:
        if not path.is_file():
            return look, b""
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            reason = f"{size:,} bytes, more than {MAX_FILE_BYTES:,}"
            return replace(look, kinds=("refused",), reason=reason), b""
        data = path.read_bytes()
    except OSError as error:
        return replace(look, kinds=("unreadable",), reason=error.strerror or str(error)), b""
    return replace(look, digest=hashlib.sha256(data).hexdigest() if data else ""), data


def _plain(pixels: np.ndarray) -> np.ndarray:
    """Colour without colour, uint8 (H, W, 3), becomes grey (H, W)."""
    red, green, blue = (pixels[..., i] for i in range(3))
    grey = np.array_equal(red, green) and np.array_equal(green, blue)
    return np.ascontiguousarray(red) if grey else pixels


def _damage(data: bytes, refusal: str) -> tuple[str, str]:
    """The kind of a file that a run refuses to read, and the reason."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        jpeg = image.format == "JPEG"
        if image.width * image.height > MAX_PIXELS:
            return "refused", refusal
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.verify()
        with Image.open(io.BytesIO(data)) as image:
            image.load()
    except Exception as error:  # as above
        reason = " ".join(str(error).split()) or type(error).__name__
        cut = any(words in reason.lower() for words in CUT)
        return "truncated" if cut else "damaged", reason
    return ("truncated", "it has no end") if jpeg else ("refused", refusal)


def _odd(path: Path, image: Image, data: bytes) -> tuple[str, ...]:
    """What the header of an image says that is odd."""
    short, long = sorted(image.size)
    formats = FORMATS.get(path.suffix.lower())
    signs = {
        "suffix": formats is not None and image.format not in formats,
        "palette": image.mode in ("P", "PA"),
        "1-bit": image.mode == "1",
        "16-bit": _deep(image, data),
        "cmyk": image.mode == "CMYK",
        "alpha": image.has_transparency_data,
        "animated": _frames(image) > 1,
        "rotation": _turned(image),
        "extreme-size": short < LEAST_SIDE or long > MOST_ASPECT * short,
    }
    return tuple(kind for kind, there in signs.items() if there)


def _deep(image: Image, data: bytes) -> bool:
    """Whether an image has more than 8 bits a channel; Pillow reads a colour PNG of 16 as 8."""
    png16 = image.format == "PNG" and data[24:25] == b"\x10"
    return png16 or image.mode.startswith(("I", "F"))


def _frames(image: Image) -> int:
    """How many images a file holds; a JPEG with a preview beside it (MPO) counts as one."""
    try:
        return 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
    except Exception:  # a damaged file, of which decoding will tell
        return 1


def _turned(image: Image) -> bool:
    try:
        return image.getexif().get(ORIENTATION, 1) not in (0, 1)
    except Exception:  # damaged metadata turn nothing
        return False


def inspection(inspections: Sequence[Inspection], name: Callable[[Path], str]) -> list[Finding]:
    """The findings in images; `name` says how a path is called."""
    findings = []
    for kind, (severity, words, advice) in KINDS.items():
        own = [look for look in inspections if kind in look.kinds]
        names = (f"{name(x.path)} ({x.reason})" if x.reason else name(x.path) for x in own)
        findings += found(kind, severity, names, words, advice)
    return findings
