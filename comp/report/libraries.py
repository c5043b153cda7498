"""Libraries that print or connect when they are imported."""

from __future__ import annotations

import os
import warnings


def quiet_libraries() -> None:
    """Stop albumentations from opening a connection when it is imported, and tqdm from warning in a
    notebook without ipywidgets."""
    os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
    warnings.filterwarnings("ignore", "IProgress not found")
