"""Functions of the plugin that the program calls by name.

In a bundle, the assembler writes this mapping with the functions that `bundle.json` names under
`own`, as "module:name", and copies them: {"network": ..., "reader": ...}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

OWN: dict[str, Callable[..., Any]] = {}
"""Role -> function of the plugin."""
