"""Whether the networks of all backbones in a space can be built, before the first trial."""

from __future__ import annotations

from comp.config.model import NETWORK
from comp.config.nesting import nested
from comp.errors import ConfigError, WeightsError
from comp.models.backbone import check_backbone
from comp.pipeline.fold_columns import FoldColumns, on_columns
from comp.pipeline.members import member_config
from comp.pipeline.run_inputs import RunInputs
from comp.tuning.settings import Settings

KEY = "backbone"
STARTS = {"pretrained", "weights"}
"""Keys that say from which weights a network starts. If a space has one of them too, a backbone may
be good with another value of it, so trials show it."""


def check_backbones(settings: Settings, inputs: RunInputs) -> None:
    """Check that timm has each choice of `backbone`, and that its weights can be loaded.

    Raises:
        ConfigError: naming those for which this is not so.
    """
    parameters = {parameter.key: parameter for parameter in settings.space.parameters}
    if KEY not in parameters or STARTS & set(parameters) or NETWORK not in settings.config.model:
        return
    choices = [c for c in parameters[KEY].choices if c != settings.config.backbone]
    problems = {choice: _problem(settings, inputs, choice) for choice in choices}
    bad = {choice: problem for choice, problem in problems.items() if problem}
    if bad:
        first = next(iter(bad.values()))
        raise ConfigError(
            f"the space has choices of backbone that cannot start: {', '.join(bad)}: leave them "
            f"out, or see why{' the first' * (len(bad) > 1)}: {first}"
        )


def _problem(settings: Settings, inputs: RunInputs, backbone: str) -> str:
    """Why a backbone cannot start; "" if it can, or if it may with other values of the space."""
    competition = settings.competition
    try:
        config = member_config(settings.with_values(nested(KEY, backbone)), NETWORK)
        columns = None
        if competition.columns:
            columns = FoldColumns.fit(config, inputs.train, inputs.train)
        on_columns(competition, config, columns).model(config)
    except WeightsError as error:
        return str(error)
    except ConfigError:
        return _unknown(backbone)
    return ""


def _unknown(backbone: str) -> str:
    try:
        check_backbone(backbone)
    except ConfigError as error:
        return str(error)
    return ""
