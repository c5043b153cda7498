"""Bundles with a printed summary, for the command line and for Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.bundle.manifest import MANIFEST
from comp.errors import ConfigError
from comp.pipeline.ranked_call import in_rank_0
from comp.pipeline.run_view import Run
from comp.report.libraries import quiet_libraries
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.bundle.build import BundleOptions, BundleResult, Note
    from comp.bundle.rehearsal import Rehearsal
    from comp.bundle.scene import RehearsalSettings


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """A bundle; `bundle` is None if it was made before. `rehearsal` is None without one."""

    folder: Path
    bundle: BundleResult | None
    rehearsal: Rehearsal | None

    def card(self) -> dict[str, Any]:
        """The fields for JSON."""
        made = asdict(self.bundle) if self.bundle else {"folder": self.folder}
        return {**made, "rehearsal": asdict(self.rehearsal) if self.rehearsal else None}


def bundle_and_report(
    run_ids: Sequence[str],
    workspace: Workspace,
    options: BundleOptions,
    rehearse: bool,
    to_stderr: bool,
    quiet: bool = False,
    settings: RehearsalSettings | None = None,
) -> Bundled:
    """Bundle a run, or the blend of several, print what was made, and rehearse it.

    Args:
        run_ids: runs, or the folder of a bundle that is only rehearsed.
        to_stderr: print on stderr instead of stdout.
        quiet: print nothing.
        settings: of the rehearsal.

    Raises:
        ConfigError: the version of Python is not one.
        RunError: as `comp.bundle.build.make_bundle` says, or the rehearsal failed.
    """
    from comp.bundle.build import make_bundle
    from comp.report.console import Live

    quiet_libraries()
    with Live(to_stderr) as console:
        note: Note = (lambda _line: None) if quiet else console.note
        folder = _existing(run_ids)
        made = None
        if folder is None:
            run_id = _one_run(run_ids, workspace, note, to_stderr, quiet)
            made = make_bundle(run_id, workspace, options, note)
            for line in summary_lines(made):
                note(line)
            folder = made.folder
        elif not rehearse:
            raise ConfigError(f"{folder} is a bundle already: rehearse it with --rehearse")
        if not rehearse:
            return Bundled(folder=folder, bundle=made, rehearsal=None)
        from comp.bundle.rehearse import rehearse as run_and_compare

        rehearsal = run_and_compare(folder, workspace, note, settings)
    return Bundled(folder=folder, bundle=made, rehearsal=rehearsal)


def _existing(run_ids: Sequence[str]) -> Path | None:
    """The folder of a bundle that was made before, if that is what is given."""
    if len(run_ids) != 1 or not (Path(run_ids[0]) / MANIFEST).is_file():
        return None
    return Path(run_ids[0]).absolute()


def _one_run(
    run_ids: Sequence[str], workspace: Workspace, note: Note, to_stderr: bool, quiet: bool
) -> str:
    """The run, or the new blend of several."""
    if not run_ids:
        raise ConfigError("no run: name the run to bundle")
    if len(run_ids) == 1:
        return run_ids[0]
    note(f"blending {len(run_ids)} runs, as 'comp blend' does; the blend is bundled")
    if quiet:
        from comp.calls.blend import blend

        return blend(run_ids, runs=workspace.out, quiet=True).run_id
    from comp.calls.blend import blend_and_report

    return blend_and_report(run_ids, workspace, None, to_stderr).run_id


def summary_lines(made: BundleResult) -> list[str]:
    """What was made, for the user."""
    half = " in half precision" if made.half else ""
    kind = "with comp and wheels" if made.wheels else "without comp"
    return [
        f"bundle      {made.folder}",
        f"            {made.files} files, {_megabytes(made.bytes)}, of which weights "
        f"{_megabytes(made.weights_bytes)}{half}; it predicts {kind}",
        f"manifest    {made.manifest[:12]}",
    ]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


@in_rank_0
def write_bundle(
    run: Run | str | Sequence[Run | str],
    *,
    out: str | os.PathLike[str] | None = None,
    half: bool = False,
    wheels: bool = False,
    python: str | None = None,
    rehearse: bool = False,
    force: bool = False,
    runs: str | os.PathLike[str] | None = None,
    quiet: bool = False,
) -> Path:
    """Make a folder that predicts without comp and without internet, as `comp bundle` does.

    Args:
        run: a run, its id, or the beginning of its id; several are blended first.
        out: a new folder; `bundles/<run id>` if None.
        half: store the weights in half precision.
        wheels: take comp itself along, for runs that cannot be predicted without it.
        python: Kaggle's version of Python, for `wheels`.
        rehearse: run the program of the bundle without a network, and compare its predictions.
        force: replace an older bundle.
        runs: the `out` of the runs; the current folder if None.
        quiet: print nothing.

    Returns:
        The folder.

    Raises:
        RunError: no such run, none of its folds is finished, the folder exists, the run needs
            `wheels`, or the rehearsal failed.
    """
    from comp.bundle.build import BundleOptions

    several = [run] if isinstance(run, (Run, str)) else list(run)
    place = Path(runs).expanduser().absolute() if runs else None
    options = BundleOptions(
        out=Path(out).expanduser() if out else None,
        half=half,
        wheels=wheels,
        force=force,
        **({"python": python} if python else {}),
    )
    names = [one.run_id if isinstance(one, Run) else one for one in several]
    workspace = Workspace.at(Path.cwd(), place)
    return bundle_and_report(names, workspace, options, rehearse, False, quiet).folder
