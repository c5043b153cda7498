"""Lists in pages: whole, or an error."""

from __future__ import annotations

import pytest
from kaggle_server import Contest, KaggleServer
from kagglesdk.competitions.types.competition_api_service import ApiListDataFilesRequest

from comp.errors import AnswerError
from comp.kaggle.client import pages
from comp.kaggle.client.pages import list_pages
from comp.kaggle.client.session import Kaggle


def names(kaggle: Kaggle) -> list[str]:
    request = ApiListDataFilesRequest()
    request.competition_name = "pages"
    service = "competitions.CompetitionApiService"
    listed = list_pages(kaggle, "listing", service, "ListDataFiles", request, "files")
    return [file["name"] for file in listed]


@pytest.fixture(autouse=True)
def small_pages(server: KaggleServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE_SIZE", 3)
    server.contests["pages"] = Contest(files={f"{n}.png": b"" for n in range(10)})


def test_all_pages_are_read(server: KaggleServer, kaggle: Kaggle) -> None:
    assert names(kaggle) == [f"{n}.png" for n in range(10)]
    assert server.count("ListDataFiles") == 4


def test_a_list_without_end_is_no_short_list(
    kaggle: Kaggle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MAX_PAGES", 3)
    with pytest.raises(AnswerError, match="listing: the list has more than 9 entries"):
        names(kaggle)


@pytest.mark.parametrize("listed", [["words"], {"a": 1}, 7])
def test_a_list_of_something_else_is_no_crash(
    server: KaggleServer, kaggle: Kaggle, listed: object
) -> None:
    server.fail("ListDataFiles", "status", status=200, body={"files": listed})
    with pytest.raises(AnswerError, match="cannot be read"):
        names(kaggle)


def test_null_is_an_empty_list(server: KaggleServer, kaggle: Kaggle) -> None:
    server.fail("ListDataFiles", "status", status=200, body={"files": None})
    assert names(kaggle) == []
