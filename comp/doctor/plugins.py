"""Check of the plugins."""

from __future__ import annotations

from comp.contract import registry
from comp.doctor.check import Check


def plugins() -> Check:
    """Check that every plugin can be used; a broken one stops only its own competition."""
    working, broken = registry.competitions(), registry.broken_plugins()
    if not broken:
        return Check("plugins", "ok", f"{len(working)} competitions")
    first = broken[0]
    line = f", line {first.line}" if first.line else ""
    more = f"; {len(broken) - 1} more are broken" if len(broken) > 1 else ""
    return Check(
        "plugins",
        "problem",
        f"{first.origin}{line}: {first.reason}{more}",
        first.advice + ("; 'comp list' shows all" if more else ""),
    )
