"""The unusual properties of images that an audit reports."""

from __future__ import annotations

from comp.data.audit.findings import Severity

FORMATS = {
    ".jpg": ("JPEG", "MPO"),
    ".jpeg": ("JPEG", "MPO"),
    ".jfif": ("JPEG",),
    ".png": ("PNG",),
    ".bmp": ("BMP", "DIB"),
    ".tif": ("TIFF",),
    ".tiff": ("TIFF",),
    ".webp": ("WEBP",),
    ".gif": ("GIF",),
    ".npy": ("NPY",),
    ".dcm": ("DICOM",),
    ".dicom": ("DICOM",),
}
"""Suffix -> expected formats: Pillow's names, and those of `comp.data.images.formats`."""

MIN_SIDE = 8
"""An image with a shorter side, in pixels, has an extreme size."""
MAX_ASPECT = 20
"""An image with a larger ratio of its sides has an extreme size."""
KINDS: dict[str, tuple[Severity, str, str]] = {
    "unreadable": (
        "error",
        "files that cannot be read, or are not images",
        "correct the reason in brackets, or replace or remove the file",
    ),
    "truncated": (
        "error",
        "truncated images; most programs show their upper part without a warning",
        "fetch them again, or remove them",
    ),
    "damaged": ("error", "images with damaged content", "fetch them again, or remove them"),
    "refused": (
        "error",
        "images that a run does not read",
        "correct the reason in brackets, or remove them",
    ),
    "suffix": (
        "warning",
        "images with another format than their suffix; they are read by their content",
        "rename them: other programs may use the suffix",
    ),
    "cmyk": (
        "warning",
        "images in CMYK colours, which programs convert to RGB differently",
        "save them as RGB",
    ),
    "alpha": (
        "warning",
        "images with transparency; transparent areas become white",
        "look at one of them: transparent areas may hide something",
    ),
    "animated": (
        "warning",
        "files with several images; only the first is used",
        "save the right image as a single file",
    ),
    "rotation": (
        "warning",
        "images with an EXIF rotation; a run applies it, other programs may not",
        "rotate the pixels and remove the tag, above all if they have target images",
    ),
    "extreme-size": (
        "warning",
        f"images with a side below {MIN_SIDE} pixels, or a ratio of sides above {MAX_ASPECT}",
        "look at them: they are probably mistakes",
    ),
    "blank": (
        "warning",
        "images of a single colour",
        "look at them: they show nothing",
    ),
    "16-bit": (
        "note",
        "images with more than 8 bits per channel; one range of values becomes 0..255 in all",
        "",
    ),
    "other-format": (
        "note",
        "files that are not pictures; the competition's own reader reads them",
        "",
    ),
    "palette": ("note", "images with a palette; they are read as colour", ""),
    "1-bit": ("note", "images with only black and white; they are read as grey", ""),
}
"""Finding kind -> severity, words and advice."""
