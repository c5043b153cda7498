"""Some files of a competition: what is shown before, what comes, and what a later call keeps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kaggle_server import Contest, KaggleServer, zipped

from comp.contract import registry
from comp.data.location import locate_data
from comp.data.manifest import Manifest
from comp.errors import DataError, NetworkError
from comp.kaggle.client import file_list
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.download import DownloadResult
from comp.kaggle.download_chosen import download_chosen, list_request
from comp.kaggle.download_request import download_request
from comp.workspace import Workspace

SLUG = "denoising-dirty-documents"
FILES = {
    "train.zip": zipped({"train/1.png": b"one"}),
    "train_cleaned.zip": zipped({"train_cleaned/1.png": b"two"}),
    "test.zip": zipped({"test/3.png": b"three"}),
    "sampleSubmission.csv.zip": zipped({"sampleSubmission.csv": b"id,value\n"}),
    "extra/a.csv": b"a",
    "extra/b.csv": b"b",
}


class Watcher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: set[str] = set()

    def note(self, words: str) -> None:
        self.notes.append(words)

    def progress(self, doing: str, done: int, total: int | None) -> None:
        self.steps.add(doing)


Get = Callable[..., DownloadResult]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        variables = running.environment(tmp_path / "home")
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        running.contests[SLUG] = Contest(files=dict(FILES))
        running.datasets["ada/x-rays"] = zipped({"x/1.png": b"one", "x/2.png": b"2", "t.csv": b"t"})
        yield running


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    (tmp_path / "ws").mkdir()
    monkeypatch.chdir(tmp_path / "ws")
    return Workspace.at(tmp_path / "ws")


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def get(server: KaggleServer, workspace: Workspace, watcher: Watcher) -> Get:
    def call(name: str = "denoising", **options: Any) -> DownloadResult:
        server.requests.clear()
        watcher.notes.clear()
        wanted = download_request(name, workspace, **options)
        return download_chosen(wanted, workspace.cache, Deadline(300), watcher)

    return call


@pytest.fixture
def place(workspace: Workspace) -> Path:
    return workspace.data("denoising")


def tree(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".manifest.json"
    }


def asked(server: KaggleServer) -> list[str]:
    return [seen.name for seen in server.requests]


def test_chosen_files_come_after_their_list(
    get: Get, server: KaggleServer, place: Path, watcher: Watcher
) -> None:
    made = get(only=["train*", "extra"], files=["test.zip"])
    assert tree(place) == {
        *("train/1.png", "train_cleaned/1.png", "test/3.png", "extra/a.csv", "extra/b.csv")
    }
    assert asked(server) == ["ListDataFiles"] + ["DownloadDataFile", "GET"] * 5
    assert (made.files, made.fetched, made.place) == (5, True, place)
    assert made.received == sum(len(d) for n, d in FILES.items() if "sample" not in n)
    first, *lines, needs = watcher.notes
    assert first.startswith("denoising: 5 files, ")
    assert [line.split()[2:] for line in lines] == [
        ["*", "train.zip"],
        ["*", "train_cleaned.zip"],
        ["*", "test.zip"],
        ["extra/a.csv"],
        ["extra/b.csv"],
    ]
    assert needs.endswith("comp download denoising --file sampleSubmission.csv.zip")
    assert "downloading 1 of 5" in watcher.steps


def test_what_is_here_stays_and_the_rest_is_named(
    get: Get, server: KaggleServer, place: Path, watcher: Watcher
) -> None:
    get(files=["test.zip"])
    assert "not downloaded: 5 files, " in watcher.notes[-1]
    made = get(files=["test.zip", "train.zip"])
    assert asked(server) == ["ListDataFiles", "DownloadDataFile", "GET"]
    assert (made.files, made.fetched) == (2, True)
    made = get(files=["test.zip", "train.zip"])
    assert asked(server) == ["ListDataFiles"]
    assert not made.fetched
    assert watcher.notes[-1].endswith(
        "comp download denoising --only extra/ --file sampleSubmission.csv.zip "
        "--file train_cleaned.zip"
    )


def test_a_later_full_download_keeps_what_is_here_and_the_users_own_files(
    get: Get, server: KaggleServer, place: Path
) -> None:
    get(only=["extra"])
    (place / "mine.txt").write_text("mine")
    assert get().fetched
    assert {"mine.txt", "extra/a.csv", "train/1.png"} <= tree(place)
    assert not get(only=["train*"]).fetched
    assert asked(server) == ["ListDataFiles"]


def test_an_interrupted_choice_goes_on(
    get: Get, server: KaggleServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.contests[SLUG].files["extra/b.csv"] = b"b" * 1000
    real = server.do_DownloadDataFile

    def failing(body: Any) -> Any:
        if body["fileName"] == "extra/b.csv":
            server.fail("GET", "cut", at=10)
            server.fail("GET", "status", status=503, times=99)
        return real(body)

    with monkeypatch.context() as broken:
        broken.setattr(Deadline, "sleep", lambda _self, _seconds: None)
        broken.setattr(server, "do_DownloadDataFile", failing)
        with pytest.raises(NetworkError, match=r"downloading extra/b\.csv of denoising"):
            get(only=["extra"])
    assert tree(place) == {"extra/a.csv"}
    server.faults.clear()
    get(only=["extra"])
    spans = [seen.headers.get("Range") for seen in server.requests if seen.name == "GET"]
    assert spans == ["bytes=10-"]
    assert tree(place) == {"extra/a.csv", "extra/b.csv"}


def test_files_of_a_data_set(get: Get, workspace: Workspace, watcher: Watcher) -> None:
    get("ada/x-rays", only=["x/*"])
    assert tree(workspace.data("x-rays")) == {"x/1.png", "x/2.png"}
    assert watcher.notes[-1].endswith("comp download ada/x-rays --file t.csv")


def test_files_that_do_not_fit_on_the_disk_are_refused_before_the_first(
    get: Get, server: KaggleServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=10))
    with pytest.raises(DataError, match="make room, or choose fewer"):
        get(files=["train.zip"])
    assert asked(server) == ["ListDataFiles"]
    with pytest.raises(DataError, match="or choose files: comp download denoising --list"):
        get()


def test_an_unknown_file_is_refused_before_anything_comes(get: Get, server: KaggleServer) -> None:
    with pytest.raises(DataError, match=r"no file 'trains\.zip': did you mean 'train\.zip'"):
        get(files=["test.zip", "trains.zip"])
    assert asked(server) == ["ListDataFiles"]


def test_the_list_has_all_pages_and_the_command_for_what_is_needed(
    server: KaggleServer, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, watcher: Watcher
) -> None:
    monkeypatch.setattr(file_list, "PAGE_SIZE", 2)
    listing = list_request(download_request("denoising", workspace), Deadline(300), watcher)
    assert [entry.name for entry in listing.entries] == list(FILES)
    assert server.count("ListDataFiles") == 3
    lines = listing.lines()
    assert [line.split()[-1] for line in lines[: len(FILES)]] == list(FILES)
    assert lines[len(FILES)].startswith("6 files, ")
    assert lines[-1].startswith("* a run needs 4 files, ")
    assert lines[-1].endswith("--file test.zip --file train.zip --file train_cleaned.zip")


def test_a_run_on_a_part_says_what_is_missing_and_the_command(
    get: Get, workspace: Workspace
) -> None:
    get(files=["train.zip", "sampleSubmission.csv.zip"])
    with pytest.raises(DataError) as caught:
        locate_data(registry.get("denoising"), workspace, None, False)
    message = str(caught.value)
    assert "has only 2 downloaded files of competitions/denoising-dirty-documents" in message
    assert "comp download denoising --only 'train_cleaned*' --only 'test*'" in message
    get(only=["train_cleaned*", "test*"])
    assert locate_data(registry.get("denoising"), workspace, None, False)
    manifest = Manifest.read(workspace.data("denoising"))
    assert manifest
    assert len(manifest.parts) == 4


def test_a_file_with_another_size_at_kaggle_is_named(
    get: Get, server: KaggleServer, watcher: Watcher
) -> None:
    get(files=["extra/a.csv", "test.zip"])
    assert not any(line.startswith("changed") for line in watcher.notes)
    server.contests[SLUG].files |= {
        "extra/a.csv": b"longer",
        "test.zip": zipped({"test/3.png": b"3" * 99}),
    }
    for names in (["extra/a.csv"], ["test.zip"]):
        watcher.notes.clear()
        assert not get(files=names).fetched
        (line,) = [line for line in watcher.notes if line.startswith("changed")]
        assert names[0] in line
        assert "--force" in line


def test_a_name_that_leads_out_of_the_folder_is_refused(get: Get, server: KaggleServer) -> None:
    server.contests[SLUG].files["../evil.csv"] = b"x"
    with pytest.raises(DataError, match="leads out of the data folder"):
        get(only=["*"])
    assert server.count("GET") == 0
