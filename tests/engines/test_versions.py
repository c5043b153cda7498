"""The versions that nodes must share."""

from __future__ import annotations

from comp.engines.versions import differing_versions, versions


def test_what_differs_is_named() -> None:
    here = dict(versions())
    assert differing_versions(here) == ""
    assert {"Python", "comp", "torch", "timm", "numpy"} == set(here)
    there = here | {"torch": "1.0", "Python": "3.9"}
    assert differing_versions(there) == (
        f"Python {here['Python']} (here 3.9), torch {here['torch']} (here 1.0)"
    )
