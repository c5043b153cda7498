"""All checks, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from comp.doctor import libraries, machine, places, services
from comp.doctor.check import Check, guarded
from comp.doctor.probe import ProbeFacts, probed
from comp.workspace import Workspace

CheckFunction = tuple[str, Callable[[], Check]]


def examine(
    workspace: Workspace, offline: bool, on_begin: Callable[[str], None]
) -> Iterator[Check]:
    """CheckFunction at everything, and yield what is found as soon as it is known.

    What takes long, the big libraries and the services, is begun at once and told in its turn.

    Args:
        offline: ask no service.
        on_begin: told the name of the check that is next.
    """
    with ThreadPoolExecutor(max_workers=3) as pool:
        facts = pool.submit(probed)
        asked = [
            (name, pool.submit(guarded, name, look).result) for name, look in _services(offline)
        ]
        for name, look in [*_looks(facts.result, workspace), *asked]:
            on_begin(name)
            yield guarded(name, look)


def _looks(facts: Callable[[], ProbeFacts], workspace: Workspace) -> list[CheckFunction]:
    """The checks that ask nobody; `facts` waits for what is found of the big libraries."""
    return [
        ("Python", libraries.python),
        ("packages", libraries.packages),
        ("six", libraries.six),
        ("albumentations", libraries.albumentations),
        ("cores", machine.cores),
        ("threads", machine.threads),
        ("workers", machine.workers),
        ("shared memory", machine.shared_memory),
        ("open files", machine.open_files),
        ("HOME", places.home),
        *((f"{name}/", partial(places.folder, workspace, name)) for name in _FOLDERS),
        ("free disk", partial(places.free_disk, workspace)),
        ("write speed", partial(places.write_speed, workspace)),
        ("torch", lambda: libraries.torch(facts())),
        ("torchvision", lambda: libraries.torchvision(facts())),
        ("numpy", lambda: libraries.numpy(facts())),
        ("OpenCV", lambda: libraries.opencv(facts())),
        ("GPU", lambda: machine.gpu(facts())),
        ("precision", lambda: machine.precision(facts())),
    ]


_FOLDERS = ("data", "runs", "submissions")


def _services(offline: bool) -> list[CheckFunction]:
    kaggle = partial(services.kaggle, offline)
    return [("Kaggle", kaggle)] if offline else [("hub", services.hub), ("Kaggle", kaggle)]
