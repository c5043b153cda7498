"""All alerts, the worst first."""

from __future__ import annotations

from collections.abc import Sequence

from comp.page.blocks import Notice
from comp.review.alerts.alert import Alert
from comp.review.alerts.baseline import BASELINE
from comp.review.alerts.copies import COPIES
from comp.review.alerts.corner import CORNER
from comp.review.alerts.curves import OVERFITTING, STILL_IMPROVING
from comp.review.alerts.data import SKIPPED, SYNTHETIC
from comp.review.alerts.folds import FOLDS_DISAGREE, FOLDS_MISSING, ONE_FOLD
from comp.review.alerts.loader import LOADER
from comp.review.alerts.predictions import CALIBRATION, NEVER_PREDICTED
from comp.review.alerts.public import PUBLIC_SCORE
from comp.review.alerts.rate import RATE
from comp.review.alerts.scales import SCALES
from comp.review.alerts.shift import SHARES, SHIFT
from comp.review.facts import RunFacts

ALERTS: tuple[Alert, ...] = (
    SYNTHETIC,
    RATE,
    BASELINE,
    CORNER,
    COPIES,
    FOLDS_MISSING,
    ONE_FOLD,
    PUBLIC_SCORE,
    SHIFT,
    SHARES,
    NEVER_PREDICTED,
    SCALES,
    FOLDS_DISAGREE,
    OVERFITTING,
    STILL_IMPROVING,
    CALIBRATION,
    SKIPPED,
    LOADER,
)
_ORDER = ("bad", "warning", "plain", "good")


def alerts_of(facts: RunFacts) -> Sequence[Notice]:
    """The alerts of a run, the worst first."""
    return facts.once("alerts", lambda: _alerts_of(facts))


def _alerts_of(facts: RunFacts) -> Sequence[Notice]:
    found = [notice for alert in ALERTS if (notice := alert.notice(facts))]
    return sorted(found, key=lambda notice: _ORDER.index(notice.tone))
