"""What Kaggle says about a competition, with the real client against a server of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kaggle_server import Contest, KaggleServer

from comp.errors import AnswerError, NetworkError, RefusedError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.reference import Reference
from comp.kaggle.facts import CompetitionFacts, competition_facts, why_unknown

LEAVES = Reference("competitions", "leaf-diseases")
RECORD = {
    "title": "Leaf  Diseases",
    "evaluationMetric": "Mean Columnwise AUC",
    "deadline": "2026-12-01T23:59:00Z",
    "isKernelsSubmissionsOnly": True,
}
FACTS = CompetitionFacts(
    reference="competitions/leaf-diseases",
    title="Leaf Diseases",
    metric="Mean Columnwise AUC",
    deadline="2026-12-01",
    code_only=True,
)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        running.contests["leaf-diseases"] = Contest(record=RECORD)
        for name in ("NO_PROXY", "no_proxy", "KAGGLE_USERNAME", "KAGGLE_KEY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in running.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        yield running


def test_it_is_asked_for_by_its_name(server: KaggleServer) -> None:
    assert competition_facts(LEAVES, Deadline(300)) == FACTS
    assert [seen.name for seen in server.requests] == ["GetCompetition"]


def test_it_is_searched_if_kaggle_does_not_answer_by_name(server: KaggleServer) -> None:
    server.fail("GetCompetition", "status", status=404, body={"code": 404, "message": "no"})
    assert competition_facts(LEAVES, Deadline(300)) == FACTS
    assert server.requests[-1].name == "ListCompetitions"
    server.fail("GetCompetition", "status", status=404, body={"code": 404, "message": "no"})
    other = Reference("competitions", "leaf-disease")
    with pytest.raises(RefusedError, match="Kaggle has nothing named 'leaf-disease'"):
        competition_facts(other, Deadline(300))


@pytest.mark.parametrize("value", [None, 3, ["a"], {}])
def test_a_value_of_another_type_is_unknown(server: KaggleServer, value: object) -> None:
    server.contests["leaf-diseases"].record = dict.fromkeys(RECORD, value)
    found = competition_facts(LEAVES, Deadline(300))
    assert found == CompetitionFacts(reference="competitions/leaf-diseases")


def test_without_credentials_nothing_is_asked(
    server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    with pytest.raises(RefusedError) as refused:
        competition_facts(LEAVES, Deadline(300))
    assert why_unknown(refused.value) == "there are no Kaggle credentials"
    assert server.requests == []


def test_why_it_is_unknown() -> None:
    assert why_unknown(NetworkError("asking: no answer")) == "Kaggle cannot be reached"
    assert why_unknown(AnswerError("not JSON")) == "not JSON"


def test_a_data_set_has_no_facts(server: KaggleServer) -> None:
    found = competition_facts(Reference("datasets", "ada/leaves"), Deadline(300))
    assert found == CompetitionFacts(reference="datasets/ada/leaves")
    assert server.requests == []
