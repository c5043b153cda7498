"""Whether a study has trials left."""

from __future__ import annotations

from comp.contract import registry
from comp.errors import CompError
from comp.tuning.folder import StudyFolder
from comp.tuning.optuna_study import open_study
from comp.tuning.outcome import COUNTED
from comp.tuning.trials import OUTCOME


def is_unfinished(folder: StudyFolder) -> bool:
    """Whether fewer trials of a study are finished than it should have; False if it is damaged."""
    try:
        record = folder.record()
        study = open_study(folder, registry.get(record["competition"]).metric.direction)
    except (CompError, KeyError):
        return False
    outcomes = [trial.user_attrs.get(OUTCOME) for trial in study.get_trials(deepcopy=False)]
    finished = sum(bool(outcome) and outcome["state"] in COUNTED for outcome in outcomes)
    return finished < int(record["trials"])
