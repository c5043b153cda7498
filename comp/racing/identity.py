"""Whether a race that resumes has the data and the code of its start."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from comp.contract import registry
from comp.data.fingerprint import fingerprint
from comp.errors import RunError
from comp.pipeline.run_inputs import RunInputs
from comp.racing.folder import RaceFolder


def identity(inputs: RunInputs, caches: Path) -> dict[str, str]:
    """What the scores of a race depend on beside its configuration.

    Args:
        caches: the folder of caches.
    """
    origin = inputs.weights_origin
    return {
        "data": fingerprint([*inputs.train, *inputs.test], caches),
        "code of the competition": registry.source_hash(inputs.competition.name),
        "file of the weights": (origin.sha256 if origin else None) or "",
    }


def check_same(
    folder: RaceFolder, recorded: Mapping[str, str], inputs: RunInputs, caches: Path
) -> None:
    """Check that the scores of the rest of a race can be compared with those that it has.

    Args:
        recorded: the identity in race.json; empty in those of an earlier version.
        caches: as in `identity`.

    Raises:
        RunError: the data, the plugin or the weights of the default have changed.
    """
    here = identity(inputs, caches)
    changed = [key for key, value in here.items() if recorded.get(key, value) != value]
    if changed:
        raise RunError(
            f"the {changed[0]} has changed since race {folder.race_id} began, so its scores cannot "
            "be compared: restore it, or start a new race"
        )
