"""The list of the files of a competition or a data set, page by page."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kaggle_server import Contest, KaggleServer, zipped

from comp.errors import RefusedError
from comp.kaggle.client import file_list
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.file_list import FileEntry, remote_files
from comp.kaggle.client.reference import Reference
from comp.kaggle.client.session import Kaggle, connect

PAGES = Reference("competitions", "pages")
XRAYS = Reference("datasets", "ada/x-rays")
THREE = [
    FileEntry(name="a.csv", bytes=1),
    FileEntry(name="b/c.png", bytes=2),
    FileEntry(name="d.zip", bytes=3),
]
FILES = {"a.csv": b"1", "b/c.png": b"22", "d.zip": b"333"}


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        variables = running.environment(tmp_path)
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        running.contests["pages"] = Contest(files=FILES)
        running.datasets["ada/x-rays"] = zipped(FILES)
        yield running


@pytest.fixture
def kaggle(server: KaggleServer) -> Iterator[Kaggle]:
    with connect(Deadline(300), "pages") as opened:
        yield opened


@pytest.mark.parametrize("reference", [PAGES, XRAYS])
def test_all_pages_are_read(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, reference: Reference
) -> None:
    counts: list[int] = []
    monkeypatch.setattr(file_list, "PAGE_SIZE", 1)
    found = remote_files(kaggle, reference, on_count=counts.append)
    assert list(found.entries) == THREE
    assert (found.complete, found.bytes, counts) == (True, 6, [1, 2, 3])


def test_a_limit_of_pages_is_told(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_list, "PAGE_SIZE", 1)
    found = remote_files(kaggle, PAGES, max_pages=2)
    assert (list(found.entries), found.complete) == (THREE[:2], False)


def test_the_same_page_again_ends_the_list(
    kaggle: Kaggle, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def same(_body: Any) -> tuple[int, Any]:
        return 200, {"files": [{"name": "a.csv", "totalBytes": 1}], "nextPageToken": "x"}

    monkeypatch.setattr(server, "do_ListDataFiles", same)
    assert list(remote_files(kaggle, PAGES).entries) == THREE[:1]
    assert server.count("ListDataFiles") == 2


def test_what_does_not_exist_is_refused(kaggle: Kaggle, server: KaggleServer) -> None:
    for slug in ("papes", "pages"):
        server.contests.clear()
        with pytest.raises(RefusedError, match="404"):
            remote_files(kaggle, Reference("competitions", slug))
