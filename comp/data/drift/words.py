"""What to say about drift, and what to do against it."""

from __future__ import annotations

from typing import get_args

from comp.config.schema import RunConfig, Scheme
from comp.data.drift.drift import Drift
from comp.data.drift.separation import Feature

LITTLE = 0.6
"""AUC up to which train and test differ a little."""
COPIES = 0.4
"""An interval below this AUC comes from copies: a classifier that has seen the copy in train takes
the one in test for train."""


def drift_sentence(drift: Drift) -> str:
    """One sentence: whether train and test differ, how much, and in what most."""
    numbers = f"AUC {drift.auc:.2f}, {drift.low:.2f} to {drift.high:.2f}; 0.5 is chance"
    halves = f"random halves of train have {drift.halves:.2f}"
    if drift.high < COPIES:
        return (
            f"test seems to have copies of training samples by {drift.by} ({numbers}), which hide "
            "whether the others differ"
        )
    if not drift.found:
        return f"train and test look alike by {drift.by} ({numbers})"
    most = " and ".join(map(feature_text, drift.features[:2]))
    little = " a little" * (drift.auc < LITTLE)
    return (
        f"train and test differ{little} by {drift.by} ({numbers}; {halves})"
        + f", most in {most}" * bool(most)
    )


def feature_text(feature: Feature) -> str:
    """A feature with its medians."""
    return f"{feature.name} (median {feature.train:.4g} in train, {feature.test:.4g} in test)"


def drift_advice(drift: Drift, config: RunConfig) -> str:
    """What to do if train and test differ."""
    if drift.by == "columns":
        return (
            "out-of-fold scores may not hold in test: make folds as train and test were split, by "
            "a group or with scheme = time, or drop a column that differs (columns.drop)"
        )
    ways = ["use stronger augmentation"]
    if "adapt" in type(config.predict).model_fields:
        ways.append("try predict.adapt=batchnorm")
    if "domain" in get_args(Scheme):
        ways.append("make folds with scheme=domain")
    if "validation" in type(config).model_fields:
        ways.append("score labelled images like those of test (validation=PATH)")
    else:
        ways.append("score labelled images like those of test, if there are any")
    ways[-1] = f"or {ways[-1]}"
    return f"out-of-fold scores may not hold in test: {', '.join(ways)}"


def series_sentence(drift: Drift) -> str:
    """Name the forms of file names whose shares differ most; "" if they do not differ."""
    series = drift.names
    if series is None or not series.differ:
        return ""
    forms = {*series.train, *series.test}
    shares = {form: (series.train.get(form, 0.0), series.test.get(form, 0.0)) for form in forms}
    form = max(sorted(forms), key=lambda form: abs(shares[form][0] - shares[form][1]))
    train, test = shares[form]
    return (
        f"file names of train and test have other forms: {form} is {train:.0%} of train and "
        f"{test:.0%} of test"
    )
