"""Opens a page in the browser of the user."""

from __future__ import annotations

import os
import sys
import webbrowser
from collections.abc import Callable
from pathlib import Path

SCREENS = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
"""Variables of which a user of Linux has one, if a browser can open."""


def open_page(path: Path, note: Callable[[str], None]) -> None:
    """Open a page; if there is no screen or no browser, say so."""
    shown = sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in SCREENS)
    if not shown or not webbrowser.open(path.absolute().as_uri()):
        note("there is no browser here that can open: copy the file to your own machine")
