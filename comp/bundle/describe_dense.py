"""Competitions whose predictions are masks or images: how they are read and what they submit."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from comp.contract.competition import Competition
from comp.data.images.prepare import masked_reader
from comp.tasks.image_pairs import ImagePairs
from comp.tasks.mask_table import MaskTable
from comp.tasks.rle_table import RleTable


def dense_rows(competition: Competition) -> dict[str, Any] | None:
    """The section `rows` of run lengths or pixels; None if the rows are others."""
    files: Any = getattr(competition.rows, "__self__", None)
    if type(files) in (MaskTable, RleTable):
        form: dict[str, Any] = json.loads(json.dumps(asdict(files.row_form)))
        return {"kind": "masks", **form}
    if type(files) is ImagePairs:
        columns = {"id_column": files.id_column, "value_column": files.value_column}
        return {"kind": "pixels", **columns}
    return None


def whole_channels(competition: Competition) -> int | None:
    """The channels in which images of any size are read, 1 or 3; None if the reader is another."""
    if competition.reader in (None, masked_reader):
        return 3
    files: Any = getattr(competition.reader, "__self__", None)
    if type(files) in (MaskTable, RleTable):
        return 3
    return files.channels if type(files) is ImagePairs else None
