"""The text of a notebook: the program `script.py` of this folder, for one bundle and attempt."""

from __future__ import annotations

import re
from pathlib import Path

from comp.errors import RunError

_SCRIPT = Path(__file__).with_name("script.py")
_ID = re.compile(r"[\w.:+-]+")


def launcher_text(*, manifest_id: str, run_id: str, tag: str) -> str:
    """The program that runs on Kaggle.

    Args:
        manifest_id: the id in the manifest of the bundle.
        tag: the mark of the attempt, by which the version is found again.

    Raises:
        RunError: a value has characters that no id has.
    """
    for value in (manifest_id, run_id, tag):
        if not _ID.fullmatch(value):
            raise RunError(f"{value!r:.80} is not an id: bundle the run again")
    text = _SCRIPT.read_text(encoding="utf-8")
    values = {
        "of run RUN": f"of run {run_id}",
        '"the id of the bundle\'s manifest"': f'"{manifest_id}"',
        '"the mark of this attempt"': f'"{tag}"',
    }
    for old, new in values.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
