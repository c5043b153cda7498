"""Values that the shell completes: names of competitions and ids of runs.

The functions import nothing heavy and print nothing, because the shell calls them at every key.
"""

from __future__ import annotations

from pathlib import Path

import typer


def complete_competition(incomplete: str) -> list[tuple[str, str]]:
    """(name, title) of each competition whose name starts with `incomplete`."""
    from comp.contract import registry
    from comp.errors import CompError

    try:
        competitions = registry.competitions()
    except CompError:
        return []
    return [(n, c.title) for n, c in competitions.items() if n.startswith(incomplete)]


def complete_new(incomplete: str) -> list[str]:
    """The names of folders and zips in data/ that may be new competitions."""
    known = {name for name, _ in complete_competition("")}
    names = {path.stem for path in Path("data").glob("*") if path.is_dir() or path.suffix == ".zip"}
    return sorted(n for n in names - known if n.startswith(incomplete) and n[0] != ".")


def complete_run(ctx: typer.Context, incomplete: str) -> list[str]:
    """The ids of runs that start with `incomplete`, the newest first.

    The runs are in the folder that --runs or --out names, else in the working folder.
    """
    folder = Path(ctx.params.get("runs") or ctx.params.get("out") or ".")
    ids = {path.parent.name for path in folder.glob("runs/*/*/run.json")}
    return sorted((run_id for run_id in ids if run_id.startswith(incomplete)), reverse=True)
