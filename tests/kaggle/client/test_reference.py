"""What references name, and where the files of one are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from kaggle_server import BASE, Contest, KaggleServer, zipped

from comp.errors import AnswerError, CompetitionError, NetworkError, RefusedError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.reference import Reference, storage_url
from comp.kaggle.client.session import Kaggle, connect

PAGES = Reference("competitions", "pages")
XRAYS = Reference("datasets", "ada/x-rays")
DOING = "downloading pages"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        variables = running.environment(tmp_path)
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        running.contests["pages"] = Contest(files={"a.csv": b"1", "b/c.png": b"2"})
        running.datasets["ada/x-rays"] = zipped({"d.png": b"3"})
        yield running


@pytest.fixture
def kaggle(server: KaggleServer) -> Iterator[Kaggle]:
    with connect(Deadline(300), "pages") as run_started:
        yield run_started


@pytest.mark.parametrize(
    ("text", "found", "written"),
    [
        ("competitions/pages", PAGES, "competitions/pages"),
        ("datasets/ada/x-rays", XRAYS, "datasets/ada/x-rays"),
        ("ada/x-rays", XRAYS, "datasets/ada/x-rays"),
        ("https://www.kaggle.com/c/pages/overview", PAGES, "competitions/pages"),
    ],
)
def test_forms_of_a_reference(text: str, found: Reference, written: str) -> None:
    assert Reference.parse(text) == found
    assert str(found) == written
    assert found.name == written.rpartition("/")[2]


@pytest.mark.parametrize(
    "text", ["pages", "", "a/b/c", "../pages", "ada/..", "competitions/", "ada/x rays", "/pages"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(CompetitionError, match="write competitions/<slug>"):
        Reference.parse(text)


def test_all_files_of_a_competition(kaggle: Kaggle, server: KaggleServer) -> None:
    assert storage_url(kaggle, DOING, PAGES).startswith(f"{BASE}/storage/pages.zip?")
    (seen,) = server.requests
    assert (seen.name, seen.body) == ("DownloadDataFiles", {"competitionName": "pages"})


def test_one_file_of_a_competition(kaggle: Kaggle, server: KaggleServer) -> None:
    assert storage_url(kaggle, DOING, PAGES, "a.csv").startswith(f"{BASE}/storage/a.csv?")
    assert server.requests[0].body == {"competitionName": "pages", "fileName": "a.csv"}


def test_all_files_of_a_data_set_and_one(kaggle: Kaggle, server: KaggleServer) -> None:
    assert storage_url(kaggle, DOING, XRAYS).startswith(f"{BASE}/storage/x-rays.zip?")
    assert storage_url(kaggle, DOING, XRAYS, "d.png").startswith(f"{BASE}/storage/d.png?")
    assert [seen.name for seen in server.requests] == ["DownloadDataset"] * 2
    assert server.requests[0].body["ownerSlug"] == "ada"


def test_the_storage_is_not_asked(kaggle: Kaggle, server: KaggleServer) -> None:
    storage_url(kaggle, DOING, PAGES)
    assert server.count("GET") == 0


def test_an_answer_that_is_no_json_leads_nowhere(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Deadline, "sleep", lambda _self, _seconds: None)
    server.fail("DownloadDataFiles", "garbage", times=9)
    with pytest.raises(NetworkError, match="is not JSON"):
        storage_url(kaggle, DOING, PAGES)


def test_a_page_is_named_as_one(kaggle: Kaggle, server: KaggleServer) -> None:
    server.fail("DownloadDataFiles", "html")
    with pytest.raises(AnswerError, match="Kaggle answered with text/html"):
        storage_url(kaggle, DOING, PAGES)
    assert len(server.requests) == 1


def test_a_refusal_is_one(kaggle: Kaggle) -> None:
    with pytest.raises(RefusedError, match="404"):
        storage_url(kaggle, DOING, Reference("competitions", "papes"))
