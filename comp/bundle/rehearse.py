"""Rehearses a bundle: its program runs as at Kaggle, without a network and without comp."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from comp.bundle.child import BLOCKED, WHEELS
from comp.bundle.kaggle_time import MACHINES, KaggleTime, estimate
from comp.bundle.rehearsal import Rehearsal, Step, write_rehearsal
from comp.bundle.rehearsal_steps import (
    BROKEN,
    EMPTY,
    HIDDEN,
    PUBLIC,
    broken_step,
    empty_step,
    hidden_step,
    make_place,
    public_step,
)
from comp.bundle.rehearsal_table import table_lines
from comp.bundle.scene import RehearsalSettings, Scene, open_scene
from comp.data.cores import cores
from comp.errors import RunError
from comp.workspace import Workspace

Note = Callable[[str], None]
"""Shows a line to the user."""
REFERENCE = "comp predict"
_SLOWER, _START_S = 6.0, 60.0
"""A step on twice the images may take as many times as long as that of the public test, and this
many seconds more."""


def rehearse(
    bundle: Path, workspace: Workspace, note: Note, settings: RehearsalSettings | None = None
) -> Rehearsal:
    """Rehearse a bundle, and show the steps in a table.

    Raises:
        RunError: the rehearsal failed, or as `run_rehearsal` says.
        DataError: the data is missing.
    """
    rehearsal = run_rehearsal(bundle, workspace, note, settings)
    for line in table_lines(rehearsal):
        note(line)
    if not rehearsal.passed:
        raise RunError(
            f"the rehearsal failed, so this bundle is not sent to Kaggle: {rehearsal.problems[0]}"
        )
    return rehearsal


def run_rehearsal(
    bundle: Path, workspace: Workspace, note: Note, settings: RehearsalSettings | None = None
) -> Rehearsal:
    """Rehearse a bundle on the data of its run, and write rehearsal.json into its folder.

    The steps are the public test, a hidden test of twice the size, a broken image and an empty
    folder. If the public test fails, the two after it are left out.

    Raises:
        RunError: the folder is not a bundle or was changed, or its run is not in the workspace.
        DataError: the data is missing.
    """
    settings = settings or RehearsalSettings()
    with TemporaryDirectory(prefix="comp-rehearsal-") as folder:
        scratch = Path(folder).resolve()
        note(f"rehearsing: {REFERENCE}")
        scene = open_scene(bundle, workspace, settings, scratch)
        steps = list(_steps(scene, scratch, note))
        steps = [without_paths(_with_memory(step, scene), scratch) for step in steps]
    time = _time(scene, steps)
    rehearsal = Rehearsal(
        passed=all(step.passed is not False for step in steps),
        manifest=str(scene.manifest["id"]),
        run=scene.run_id,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=_environment(scene, steps),
        tolerance=scene.tolerance,
        steps=steps,
        time=time,
    )
    write_rehearsal(bundle, rehearsal)
    return rehearsal


def _steps(scene: Scene, scratch: Path, note: Note) -> Iterator[Step]:
    limit = scene.settings.limit_s
    note(f"rehearsing: {PUBLIC}")
    place = make_place(scene, scratch / "public", "new")
    public = public_step(scene, place, limit)
    yield public
    if public.passed:
        limit = min(limit, _START_S + _SLOWER * (public.seconds or 0))
        note(f"rehearsing: {HIDDEN}")
        yield hidden_step(scene, make_place(scene, scratch / "hidden", "old"), limit)
        note(f"rehearsing: {BROKEN}")
        yield broken_step(scene, place, limit)
    else:
        for name in (HIDDEN, BROKEN):
            yield Step(name=name, passed=None, words="left out: the public test failed")
    note(f"rehearsing: {EMPTY}")
    yield empty_step(scene, scratch / "empty", place.bundle, limit)


def _with_memory(step: Step, scene: Scene) -> Step:
    """The step, failed if it needs more memory than the machine at Kaggle has."""
    machine = MACHINES[scene.settings.machine]
    needed = (step.peak_bytes or 0) / 1e9
    if not step.passed or needed <= machine.memory_gb:
        return step
    words = f"it needs {needed:.0f} GB of memory, {machine.title} has {machine.memory_gb:.0f}"
    return replace(step, passed=False, words=words)


def without_paths(step: Step, scratch: Path) -> Step:
    """The step without folders of this machine, because its words travel with the bundle."""
    words = step.words
    for path, name in ((scratch, "..."), (Path(sys.prefix), "PYTHON"), (Path.home(), "~")):
        if len(path.parts) > 1:
            words = words.replace(str(path), name)
    return replace(step, words=words)


def _time(scene: Scene, steps: list[Step]) -> KaggleTime | None:
    """The estimate for Kaggle, from the steps that passed."""
    taken = {s.name: (s.seconds, s.images) for s in steps if s.passed and s.seconds and s.images}
    if PUBLIC not in taken:
        return None
    settings = scene.settings
    return estimate(
        taken[PUBLIC],
        taken.get(HIDDEN),
        machine=settings.machine,
        on_gpu=scene.device.startswith("cuda"),
        threads=_threads(),
        factor=settings.factor,
        images=settings.hidden_images,
        limit_h=settings.limit_h,
    )


def _threads() -> int:
    """The threads of the program, which gets this variable too."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores(), int(given)) if given.isdecimal() and int(given) else cores()


def _environment(scene: Scene, steps: list[Step]) -> dict[str, str]:
    """What the program had, in words."""
    kinds = {step.network: step.network_reason for step in steps if step.network}
    network = "none: a network namespace without a route"
    if not kinds:
        network = "unknown: the program did not start"
    elif "sockets" in kinds:
        network = (
            "sockets of Python are blocked, which is weaker than a namespace of the system "
            f"({kinds['sockets']})"
        )
    which = "another" if scene.settings.python else "this"
    libraries = f"those of {which} Python, without comp, {', '.join(BLOCKED)}"
    if scene.wheels:
        libraries = f"those of {which} Python, and comp from {' and '.join(WHEELS)} alone"
    return {
        "network": network,
        "libraries": libraries,
        "home": "empty: no stored weights, no token",
        "device": scene.device,
        "threads": str(_threads()),
        "python": platform.python_version(),
    }
