"""What Kaggle says about a competition: its title, metric, deadline and kind of submission."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from comp.errors import AnswerError, CompError, NetworkError, RefusedError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.reference import Reference
from comp.kaggle.client.session import Kaggle, connect

_SERVICE = "competitions.CompetitionApiService"
_ACTION = "asking for the competition"
QUICK_S = 10.0
"""Seconds for a question whose answer is not needed."""


@dataclass(frozen=True, kw_only=True)
class CompetitionFacts:
    """What Kaggle says about a competition; "" for what it does not say.

    `metric` is a name in Kaggle's words. `deadline` is an ISO date. With `code_only`, submissions
    are notebooks and not files.
    """

    reference: str
    title: str = ""
    metric: str = ""
    deadline: str = ""
    code_only: bool = False
    entered: bool = True


def competition_facts(reference: Reference, deadline: Deadline) -> CompetitionFacts:
    """Ask Kaggle about a competition. Of a data set only the reference is known.

    Raises:
        RefusedError: there are no credentials, or Kaggle refused.
        NetworkError: Kaggle cannot be reached.
        AnswerError: the answer cannot be read.
    """
    if reference.kind == "datasets":
        return CompetitionFacts(reference=str(reference))
    with connect(deadline, reference.slug) as kaggle:
        return _facts(reference, _answer(kaggle, reference.slug))


def takes_only_notebooks(kaggle: Kaggle) -> bool:
    """Whether Kaggle says that a competition takes notebooks and no files; False if it does not
    answer."""
    quick = replace(kaggle, deadline=Deadline(min(QUICK_S, kaggle.deadline.left)))
    try:
        return _answer(quick, kaggle.slug).get("isKernelsSubmissionsOnly") is True
    except CompError:
        return False


def _answer(kaggle: Kaggle, slug: str) -> Mapping[str, Any]:
    """The record of a competition: asked for by its name or, without that method, searched."""
    from kagglesdk.competitions.types import competition_api_service as types

    try:
        request = types.ApiGetCompetitionRequest()
        request.competition_name = slug
        return kaggle.call_json(_ACTION, _SERVICE, "GetCompetition", request)
    except (AttributeError, RefusedError, AnswerError) as error:
        if isinstance(error, RefusedError) and error.status in (401, 403, 429):
            raise
        first = error
    try:
        search = types.ApiListCompetitionsRequest()
        search.search = slug
        answer = kaggle.call_json(_ACTION, _SERVICE, "ListCompetitions", search)
    except (RefusedError, AnswerError):
        raise _as_error(first) from None
    for record in answer.get("competitions") or ():
        if str(record.get("ref", "")).rstrip("/").rpartition("/")[2] == slug:
            return dict(record)
    raise _as_error(first)


def _as_error(error: Exception) -> CompError:
    if isinstance(error, CompError):
        return error
    return AnswerError(f"{_ACTION}: this version of kagglesdk cannot ask for it")


def _facts(reference: Reference, record: Mapping[str, Any]) -> CompetitionFacts:
    return CompetitionFacts(
        reference=str(reference),
        title=_text(record, "title"),
        metric=_text(record, "evaluationMetric"),
        deadline=_text(record, "deadline")[:10],
        code_only=record.get("isKernelsSubmissionsOnly") is True,
        entered=record.get("userHasEntered") is not False,
    )


def _text(record: Mapping[str, Any], key: str) -> str:
    value = record.get(key)
    return " ".join(value.split())[:200] if isinstance(value, str) else ""


def why_unknown(error: CompError) -> str:
    """Why Kaggle could not be asked, as a phrase."""
    if isinstance(error, RefusedError) and error.status is None:
        return "there are no Kaggle credentials"
    if isinstance(error, NetworkError):
        return "Kaggle cannot be reached"
    return str(error)
