"""From Kaggle into a folder of data: what is fetched, when nothing is, and what is left alone."""

from __future__ import annotations

import io
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock
from kaggle_server import Contest, KaggleServer, zipped
from packed_zips import packed

from comp.contract import registry
from comp.data.location import locate_data
from comp.data.manifest import Manifest
from comp.errors import AnswerError, DataError, NetworkError, RefusedError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.download import DownloadResult, download
from comp.kaggle.download_request import download_request
from comp.workspace import Workspace

SLUG = "denoising-dirty-documents"
FILES = {
    "train.zip": zipped({"train/1.png": b"one", "train/2.png": b"two"}),
    "test.zip": zipped({"test/3.png": b"three"}),
    "sampleSubmission.csv.zip": zipped({"sampleSubmission.csv": b"id,value\n"}),
}
UNPACKED = {
    "train/1.png": b"one",
    "train/2.png": b"two",
    "test/3.png": b"three",
    "sampleSubmission.csv": b"id,value\n",
}


class Watcher:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.steps: list[tuple[str, int, int | None]] = []

    def note(self, words: str) -> None:
        self.notes.append(words)

    def progress(self, doing: str, done: int, total: int | None) -> None:
        self.steps.append((doing, done, total))


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        variables = running.environment(tmp_path / "home")
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        running.contests[SLUG] = Contest(files=dict(FILES))
        running.datasets["ada/x-rays"] = zipped({"x-rays/train/1.png": b"one"})
        yield running


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "ws").mkdir()
    return Workspace.at(tmp_path / "ws")


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


Get = Callable[..., DownloadResult]


@pytest.fixture
def get(server: KaggleServer, workspace: Workspace, watcher: Watcher) -> Get:
    """Downloads; the server's requests are then those of this call."""

    def call(name: str = "denoising", **options: Any) -> DownloadResult:
        server.requests.clear()
        watcher.notes.clear()
        wanted = download_request(name, workspace, **options)
        return download(wanted, workspace.cache, Deadline(300), watcher)

    return call


@pytest.fixture
def place(workspace: Workspace) -> Path:
    return workspace.data("denoising")


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".manifest.json"
    }


def asked(server: KaggleServer) -> list[str]:
    return [seen.name for seen in server.requests]


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != ".cache")


def test_all_files_come_unpacked_with_a_manifest(
    get: Get, server: KaggleServer, place: Path, watcher: Watcher
) -> None:
    made = get()
    assert tree(place) == UNPACKED
    assert asked(server) == ["DownloadDataFiles", "GET"]
    assert (made.fetched, made.files, made.place) == (True, 4, place)
    assert made.bytes == sum(map(len, UNPACKED.values()))
    assert made.received == len(zipped(FILES))
    assert visible(place.parent) == ["denoising"]
    held = Manifest.read(place)
    assert held
    assert held.reference == f"competitions/{SLUG}"
    assert held.parts[0].name == f"{SLUG}.zip"
    assert held.parts[0].bytes == made.received
    assert set(held.files) == set(UNPACKED)
    assert [doing for doing, _, _ in watcher.steps] == sorted(
        (doing for doing, _, _ in watcher.steps), key=["downloading", "unpacking", "checking"].index
    )


def test_nothing_is_kept_of_the_zip(get: Get, workspace: Workspace) -> None:
    get()
    left = [path for path in workspace.cache.rglob("*") if path.is_file()]
    assert [path.name for path in left] == ["lock"]


def test_a_run_finds_what_was_downloaded(
    get: Get, server: KaggleServer, workspace: Workspace, pages: Path
) -> None:
    competition = registry.get("denoising")
    held: dict[str, bytes] = {}
    for part in sorted(pages.iterdir()):
        inner = {
            path.relative_to(pages).as_posix(): path.read_bytes()
            for path in ([part] if part.is_file() else sorted(part.rglob("*")))
            if path.is_file()
        }
        held[f"{part.name}.zip"] = zipped(inner)
    server.contests[SLUG].files = held
    get()
    source = locate_data(competition, workspace, None, synthetic=False)
    assert source.root == workspace.data("denoising")
    assert not source.synthetic
    assert tree(source.root) == tree(pages)


def test_a_data_set_comes_into_a_folder_of_its_name(
    get: Get, server: KaggleServer, workspace: Workspace
) -> None:
    made = get("ada/x-rays")
    assert tree(workspace.data("x-rays")) == {"x-rays/train/1.png": b"one"}
    assert made.reference == "datasets/ada/x-rays"
    assert asked(server) == ["DownloadDataset", "GET"]


def test_a_data_set_that_is_private_has_no_rules_to_accept(get: Get, server: KaggleServer) -> None:
    server.fail("DownloadDataset", "status", status=403, body={"code": 403, "message": "No"})
    with pytest.raises(RefusedError, match=r"kaggle\.com/datasets/ada/x-rays: it may be private"):
        get("ada/x-rays")


def test_a_second_call_asks_nobody(
    get: Get, server: KaggleServer, place: Path, watcher: Watcher
) -> None:
    get()
    before = {path: path.stat().st_mtime_ns for path in place.rglob("*")}
    made = get()
    assert (made.fetched, made.received, made.files) == (False, 0, 4)
    assert asked(server) == []
    assert watcher.notes == []
    assert {path: path.stat().st_mtime_ns for path in place.rglob("*")} == before


def test_a_second_call_needs_no_credentials(
    get: Get, server: KaggleServer, monkeypatch: pytest.MonkeyPatch, place: Path
) -> None:
    get()
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    assert not get().fetched
    with pytest.raises(RefusedError, match="no Kaggle credentials found"):
        get(force=True)
    assert tree(place) == UNPACKED


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (b"neo", "train/1.png has changed"),
        (b"ones", "train/1.png has 4 bytes instead of 3"),
        (None, "train/1.png is missing"),
    ],
    ids=["same-size", "longer", "missing"],
)
def test_what_is_damaged_is_named_and_fetched_again(
    get: Get, server: KaggleServer, place: Path, watcher: Watcher, damage: bytes | None, words: str
) -> None:
    get()
    write(place, {"train/1.png": damage or b""})
    if damage is None:
        (place / "train" / "1.png").unlink()
    write(place, {"train/notes.txt": b"mine"})
    made = get()
    assert made.fetched
    assert len(watcher.notes) == 1
    assert words in watcher.notes[0]
    assert tree(place) == UNPACKED | {"train/notes.txt": b"mine"}
    assert not get().fetched


def test_force_fetches_anew_and_drops_what_kaggle_no_longer_has(
    get: Get, server: KaggleServer, place: Path
) -> None:
    get()
    write(place, {"mine.txt": b"mine"})
    del server.contests[SLUG].files["test.zip"]
    assert get(force=True).fetched
    left = {name: data for name, data in UNPACKED.items() if not name.startswith("test/")}
    assert tree(place) == left | {"mine.txt": b"mine"}


def test_a_failed_fetch_leaves_what_is_there(
    get: Get, server: KaggleServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    get()
    monkeypatch.setattr(Deadline, "sleep", lambda _self, _seconds: None)
    server.fail("GET", "cut", times=99, at=0)
    with pytest.raises(NetworkError):
        get(force=True)
    assert tree(place) == UNPACKED
    assert not get().fetched


def test_files_that_it_did_not_bring_are_not_touched_unasked(
    get: Get, server: KaggleServer, place: Path
) -> None:
    own = {"train/1.png": b"mine", "extra/4.png": b"mine"}
    write(place, own)
    with pytest.raises(DataError, match="not from 'comp download': move them away, or add --force"):
        get()
    assert asked(server) == []
    assert tree(place) == own
    get(force=True)
    assert tree(place) == UNPACKED | {"extra/4.png": b"mine"}
    assert not get().fetched


def test_an_empty_folder_is_filled(get: Get, place: Path) -> None:
    write(place, {".DS_Store": b"dust"})
    get()
    assert tree(place) == UNPACKED | {".DS_Store": b"dust"}


def test_a_file_of_the_user_is_not_replaced_unasked(
    get: Get, server: KaggleServer, place: Path
) -> None:
    get()
    write(place, {"more.csv": b"mine"})
    server.contests[SLUG].files["more.csv"] = b"theirs"
    (place / "train" / "1.png").unlink()
    with pytest.raises(DataError, match=r"more\.csv did not come from Kaggle.*--force"):
        get()
    assert tree(place)["more.csv"] == b"mine"
    get(force=True)
    assert tree(place) == UNPACKED | {"more.csv": b"theirs"}


def test_data_of_another_reference_is_not_mixed_in(get: Get, place: Path) -> None:
    get()
    with pytest.raises(DataError, match=f"contains competitions/{SLUG}, not datasets/ada/x-rays"):
        get("ada/x-rays", out=place, force=True)


def test_a_file_in_the_place_of_the_folder_is_refused(get: Get, place: Path) -> None:
    write(place.parent, {"denoising": b"mine"})
    with pytest.raises(DataError, match="is a file: move it away"):
        get(force=True)


def test_the_zip_is_kept_beside_the_folder(get: Get, server: KaggleServer, place: Path) -> None:
    made = get(keep_zip=True)
    assert made.zip == place.with_name("denoising.zip")
    assert zipfile.ZipFile(made.zip).namelist() == list(FILES)
    assert visible(place.parent) == ["denoising", "denoising.zip"]
    assert not get(keep_zip=True).fetched
    made.zip.unlink()
    assert not get().fetched
    assert get(keep_zip=True).fetched
    assert made.zip.is_file()


def test_one_file_comes_alone(get: Get, server: KaggleServer, place: Path) -> None:
    made = get(file="train.zip")
    assert tree(place) == {"train/1.png": b"one", "train/2.png": b"two"}
    assert (made.files, made.fetched) == (2, True)
    assert asked(server) == ["ListDataFiles", "DownloadDataFile", "GET"]
    assert not get(file="train.zip").fetched
    assert asked(server) == []


def test_files_come_one_after_another_and_then_all(
    get: Get, server: KaggleServer, place: Path, watcher: Watcher
) -> None:
    get(file="train.zip")
    get(file="test.zip")
    assert set(tree(place)) == {"train/1.png", "train/2.png", "test/3.png"}
    assert not get(file="train.zip").fetched
    assert get().fetched
    assert watcher.notes == []
    assert tree(place) == UNPACKED


def test_a_file_that_came_with_all_is_there(get: Get, server: KaggleServer, place: Path) -> None:
    server.contests[SLUG].files["labels.csv"] = b"id,label\n"
    get()
    assert not get(file="labels.csv").fetched
    write(place, {"labels.csv": b"corrupt!\n"})
    assert get(file="labels.csv").fetched
    assert asked(server) == ["ListDataFiles", "DownloadDataFile", "GET"]
    assert tree(place) == UNPACKED | {"labels.csv": b"id,label\n"}
    assert not get().fetched


def test_a_file_that_arrives_zipped_is_unpacked(
    get: Get, server: KaggleServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.contests[SLUG].files["deep/labels.csv"] = b"id,label\n"

    def as_zip(_body: Mapping[str, Any]) -> tuple[int, str]:
        return server.store("deep/labels.csv.zip", zipped({"labels.csv": b"id,label\n"}))

    monkeypatch.setattr(server, "do_DownloadDataFile", as_zip)
    get(file="deep/labels.csv")
    assert tree(place) == {"deep/labels.csv": b"id,label\n"}


def test_a_file_of_a_data_set_comes_alone(get: Get, workspace: Workspace) -> None:
    get("ada/x-rays", file="x-rays/train/1.png")
    assert tree(workspace.data("x-rays")) == {"x-rays/train/1.png": b"one"}


def test_an_unknown_file_is_refused_with_those_that_there_are(
    get: Get, server: KaggleServer, place: Path
) -> None:
    with pytest.raises(DataError, match=r"no file 'trains\.zip': it has sampleSub.*train\.zip"):
        get(file="trains.zip")
    assert asked(server) == ["ListDataFiles"]
    assert not place.exists()


def cut_short(data: bytes) -> bytes:
    return data[:-30]


def flipped(data: bytes) -> bytes:
    middle = data.index(b"PK\x01\x02") // 2
    return data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]


@pytest.mark.parametrize("spoil", [cut_short, flipped, lambda _data: b"not a zip"])
@pytest.mark.parametrize("inside", [False, True], ids=["outer", "inner"])
def test_a_damaged_zip_of_the_right_length_is_not_kept(
    get: Get,
    server: KaggleServer,
    place: Path,
    workspace: Workspace,
    spoil: Callable[[bytes], bytes],
    inside: bool,
) -> None:
    noise = zipped({"train/1.png": random.Random(1).randbytes(3000)})
    whole = zipped({"train.zip": noise})
    contest = server.contests[SLUG]
    contest.archive = zipped({"train.zip": spoil(noise)}) if inside else spoil(whole)
    with pytest.raises(AnswerError, match=r"the file from Kaggle is damaged and was deleted: "):
        get()
    assert not place.exists()
    assert visible(place.parent) == []
    assert [p.name for p in workspace.cache.rglob("*") if p.is_file()] == ["lock"]
    contest.archive = whole
    get()
    assert set(tree(place)) == {"train/1.png"}


def test_a_zip_that_leads_outside_is_refused_and_writes_nothing(
    get: Get, server: KaggleServer, place: Path, tmp_path: Path
) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("fine.txt", b"fine")
        archive.writestr("../../evil.txt", b"evil")
    server.contests[SLUG].archive = held.getvalue()
    with pytest.raises(DataError, match=r"evil\.txt', which points outside"):
        get()
    assert not place.exists()
    assert visible(place.parent) == []
    assert not list(tmp_path.rglob("evil.txt"))
    server.contests[SLUG].archive = zipped(FILES)
    get()
    assert tree(place) == UNPACKED


def test_an_empty_zip_is_no_data(get: Get, server: KaggleServer, place: Path) -> None:
    server.contests[SLUG].archive = zipped({})
    with pytest.raises(DataError, match="contains no files"):
        get()
    assert not place.exists()


def test_a_download_without_room_is_refused_before_it_begins(
    get: Get, server: KaggleServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(zipped(FILES))
    disk = SimpleNamespace(free=2 * size - 1)
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _place: disk)
        with pytest.raises(
            DataError, match=r"needs at least 0\.0 GB and the disk of .* has 0\.0 GB free"
        ):
            get()
        disk.free += 1
        get()
    assert tree(place) == UNPACKED


def test_only_one_at_a_time(get: Get, server: KaggleServer, workspace: Workspace) -> None:
    get()
    (lock,) = workspace.cache.rglob("lock")
    with FileLock(lock), pytest.raises(DataError, match="another 'comp download' of denoising"):
        get(force=True)
    assert asked(server) == []
    assert get(force=True).fetched


@pytest.mark.usefixtures("no_locks")
def test_a_disk_without_locks_is_one_warning(
    get: Get, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert get().fetched
    assert get(force=True).fetched
    assert tree(place) == UNPACKED
    (line,) = capsys.readouterr().err.splitlines()
    assert "has no file locks" in line


def test_a_broken_off_exchange_is_finished_first(
    get: Get, server: KaggleServer, place: Path
) -> None:
    get()
    place.rename(place.with_name(".denoising.replaced"))
    assert not get().fetched
    assert tree(place) == UNPACKED
    assert visible(place.parent) == ["denoising"]


def test_a_place_that_cannot_be_written_is_named(get: Get, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match=r"cannot write data to .*file/deep: Not a directory"):
        get(out=tmp_path / "file" / "deep")


def test_a_zip_inside_that_python_cannot_open_is_kept_with_the_rest(
    get: Get, server: KaggleServer, place: Path, watcher: Watcher
) -> None:
    packed_by_7zip = packed({"train/1.png": b"one"}, method=9)
    server.contests[SLUG].files["train.zip"] = packed_by_7zip
    assert get().fetched
    assert tree(place) == {
        "train.zip": packed_by_7zip,
        "test/3.png": b"three",
        "sampleSubmission.csv": b"id,value\n",
    }
    assert watcher.notes == [
        f"{place}/train.zip is kept as it is: 'train/1.png' packed by Deflate64 (method 9), which "
        f"this Python cannot read; unpack it with 7-Zip: 7z x {place}/train.zip -o{place}"
    ]
    write(place, {"train/1.png": b"one"})  # what 7-Zip does
    assert not get().fetched
    get(force=True)
    assert tree(place)["train/1.png"] == b"one"


def test_one_zip_that_python_cannot_open_is_kept(
    get: Get, server: KaggleServer, place: Path
) -> None:
    server.contests[SLUG].files["train.zip"] = packed({"train/1.png": b"one"}, 99, 1)
    made = get(file="train.zip")
    assert (made.files, list(tree(place))) == (1, ["train.zip"])


def test_a_download_that_python_cannot_open_at_all_is_kept_beside_the_folder(
    get: Get, server: KaggleServer, place: Path
) -> None:
    server.contests[SLUG].archive = packed({"train/1.png": b"one"}, method=9)
    with pytest.raises(DataError, match=r"denoising\.zip is kept as it is: .*Deflate64.* 7z x"):
        get()
    assert place.with_name("denoising.zip").read_bytes() == server.contests[SLUG].archive
    assert not place.exists()
