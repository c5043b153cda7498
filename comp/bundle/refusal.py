"""What a bundle without comp cannot do."""

from __future__ import annotations

from typing import NoReturn

from comp.errors import RunError

WHEELS = "use --wheels, which takes comp along"


def refuse(reason: str) -> NoReturn:
    """Refuse a bundle without comp.

    Args:
        reason: what it cannot do: "gradient boosting needs comp".

    Raises:
        RunError: always.
    """
    raise RunError(f"{reason}: {WHEELS}")
