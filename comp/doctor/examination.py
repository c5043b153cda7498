"""All checks, in the order of their output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from comp.doctor import folders, libraries, machine, plugins, services
from comp.doctor.check import Check, run_check
from comp.doctor.probe import ProbeFacts, probed
from comp.workspace import Workspace

CheckFunction = tuple[str, Callable[[], Check]]


def examine(
    workspace: Workspace, offline: bool, on_begin: Callable[[str], None]
) -> Iterator[Check]:
    """Run all checks and yield each result as soon as it is known.

    The slow checks, of the big libraries and the services, start at once in the background.

    Args:
        offline: connect to no service.
        on_begin: called with the name of each check before it is waited for.
    """
    with ThreadPoolExecutor(max_workers=3) as pool:
        facts = pool.submit(probed)
        service_results = [
            (name, pool.submit(run_check, name, function).result)
            for name, function in _service_checks(offline)
        ]
        for name, function in [*_local_checks(facts.result, workspace), *service_results]:
            on_begin(name)
            yield run_check(name, function)


def _local_checks(facts: Callable[[], ProbeFacts], workspace: Workspace) -> list[CheckFunction]:
    """The checks without a network; `facts` waits for the probe of the big libraries."""
    return [
        ("Python", libraries.python),
        ("packages", libraries.packages),
        ("six", libraries.six),
        ("albumentations", libraries.albumentations),
        ("trackers", libraries.trackers),
        ("plugins", plugins.plugins),
        ("cores", machine.cores),
        ("threads", machine.threads),
        ("load", machine.load),
        ("workers", machine.workers),
        ("shared memory", machine.shared_memory),
        ("open files", machine.open_files),
        ("HOME", folders.home),
        *((f"{name}/", partial(folders.folder, workspace, name)) for name in _FOLDERS),
        ("free disk", partial(folders.free_disk, workspace)),
        ("write speed", partial(folders.write_speed, workspace)),
        ("torch", lambda: libraries.torch(facts())),
        ("torchvision", lambda: libraries.torchvision(facts())),
        ("numpy", lambda: libraries.numpy(facts())),
        ("OpenCV", lambda: libraries.opencv(facts())),
        ("GPU", lambda: machine.gpu(facts())),
        ("precision", lambda: machine.precision(facts())),
    ]


_FOLDERS = ("data", "runs", "submissions")


def _service_checks(offline: bool) -> list[CheckFunction]:
    kaggle = partial(services.kaggle, offline)
    return [("Kaggle", kaggle)] if offline else [("hub", services.hub), ("Kaggle", kaggle)]
