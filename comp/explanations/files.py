"""The files of `comp explain` in the folder of the run: a sheet of pictures, and JSON."""

from __future__ import annotations

from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from comp.data.images.decode import write_image
from comp.explanations.explained import Explained, ExplainedSample
from comp.explanations.sanity import Sanity
from comp.explanations.sheet import draw_sheet
from comp.files import make_folder, write_json
from comp.page.document import as_json
from comp.runs.folder import RunFolder

FOLDER = "explain"
"""In the folder of a run; the files of an earlier call are replaced."""
SHEET, RECORD = "sheet.png", "explain.json"
_PICTURES = ("image", "signed", "heat", "occlusion")


def write_explanations(found: Explained, run: RunFolder) -> Path:
    """Write `explain/sheet.png` and `explain/explain.json`; returns the sheet.

    Raises:
        DiskError: a file cannot be written.
    """
    folder = run.path / FOLDER
    make_folder(folder)
    write_image(folder / SHEET, draw_sheet(found.samples))
    write_json(folder / RECORD, record_of(found, maps=True))
    return folder / SHEET


def record_of(found: Explained, maps: bool = False) -> dict[str, Any]:
    """Explanations as JSON, without pictures. Numbers that are not finite are null.

    Args:
        maps: with the map of Grad-CAM of each sample, at the size of its layer.
    """
    samples = [_sample_record(sample, maps) for sample in found.samples]
    record: dict[str, Any] = {
        "run_id": found.run_id,
        "competition": found.competition,
        "method": found.method,
        "layer": found.layer,
        "grid": found.grid,
        "samples": samples,
        "agreement": found.agreement or None,
        "sanity": _sanity_record(found.sanity) if found.sanity else None,
        "notes": list(found.notes),
    }
    return {key: as_json(value) for key, value in record.items()}


def _sample_record(sample: ExplainedSample, maps: bool) -> dict[str, Any]:
    names = [field.name for field in fields(sample) if field.name not in _PICTURES]
    record: dict[str, Any] = {name: getattr(sample, name) for name in names}
    return record | ({"map": sample.signed.tolist()} if maps else {})


def _sanity_record(sanity: Sanity) -> dict[str, Any]:
    return asdict(sanity) | {"verdict": sanity.verdict, "words": sanity.words}
