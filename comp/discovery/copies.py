"""Near-copies among neighbouring images, which show that images have groups."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from comp.discovery.conclusion import Finding
from comp.errors import DataError

NEIGHBOURS = 150
"""Images that are compared: neighbours in the order of their names, which copies often are."""
THUMBNAIL = 64
QUICK = frozenset({".jpg", ".jpeg", ".png"})
"""Formats that are read quickly."""
LEAST = 3


def near_copies(paths: Sequence[Path], grouped: bool) -> Finding | None:
    """A warning if several of the first images look alike, and no group joins them.

    Args:
        paths: training images in the order of their names.
        grouped: whether the images have groups already.
    """
    from comp.data.audit.near_duplicates import compute_signature, find_near_pairs
    from comp.data.images.decode import read_image

    quick = [path for path in paths[:NEIGHBOURS] if path.suffix.lower() in QUICK]
    if grouped or len(quick) < 2 * LEAST:
        return None
    signatures = []
    for path in quick:
        try:
            signatures.append(compute_signature(read_image(path, 1, THUMBNAIL)[..., 0]))
        except DataError:
            signatures.append(None)
    pairs = find_near_pairs(signatures)
    if len(pairs) < LEAST:
        return None
    first, second = (quick[i].name for i in (pairs[0].first, pairs[0].second))
    return Finding(
        "some images look alike, and nothing groups them: the score may be too good",
        f"{len(pairs)} pairs among {len(signatures)} images, such as {first} and {second}; "
        "'comp check' lists all: give such images the same group",
        "likely",
    )
