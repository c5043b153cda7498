"""Zips that Python cannot open, such as those of other programs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping


def packed(members: Mapping[str, bytes], method: int = 8, flags: int = 0) -> bytes:
    """A zip whose headers say that another method packed it, or that it is encrypted."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)
    data = bytearray(stream.getvalue())
    if method == 8 and not flags:
        return bytes(data)
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = data.find(mark)
        while place >= 0:
            data[place + at] |= flags
            data[place + at + 2 : place + at + 4] = method.to_bytes(2, "little")
            place = data.find(mark, place + 1)
    return bytes(data)
