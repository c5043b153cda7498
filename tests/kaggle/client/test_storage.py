"""One file from Kaggle's storage: whole or not at all, over cuts, stalls and other calls."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from kaggle_server import Contest, KaggleServer
from short_limits import impatient_once, in_time

from comp.errors import AnswerError, DataError, NetworkError, RefusedError
from comp.kaggle.client import response_chunks, session
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.reference import Reference, storage_url
from comp.kaggle.client.session import ATTEMPTS, Kaggle, connect
from comp.kaggle.client.storage import PartialFile, ReceivedFile, fetch_file

PAGES = Reference("competitions", "pages")
DATA = random.Random(1).randbytes(100_000)
DOING = "downloading pages"

Get = Callable[..., ReceivedFile]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        variables = running.environment(tmp_path) | {"NO_PROXY": "127.0.0.1"}
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        running.contests["pages"] = Contest(archive=DATA)
        yield running


@pytest.fixture
def kaggle(server: KaggleServer) -> Iterator[Kaggle]:
    with connect(Deadline(300), "pages") as run_started:
        yield run_started


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that would have been made."""
    slept: list[float] = []
    monkeypatch.setattr(Deadline, "sleep", lambda _self, seconds: slept.append(seconds))
    return slept


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "partial"


@pytest.fixture
def get(kaggle: Kaggle, folder: Path) -> Get:
    """Fetches the archive of the competition."""
    return partial(fetch_file, kaggle, DOING, partial(storage_url, kaggle, DOING, PAGES), folder)


def spans(server: KaggleServer) -> list[str | None]:
    """The ranges that the storage was asked for."""
    return [seen.headers.get("Range") for seen in server.requests if seen.name == "GET"]


def names(server: KaggleServer) -> list[str]:
    return [seen.name for seen in server.requests]


def here(folder: Path) -> bytes:
    """The bytes that are kept."""
    return (folder / "bytes").read_bytes() if (folder / "bytes").exists() else b""


def test_a_file_comes_whole_with_two_requests(get: Get, server: KaggleServer, folder: Path) -> None:
    told: list[tuple[int, int | None]] = []
    got = get(on_bytes=lambda done, total: told.append((done, total)))
    assert got.path.read_bytes() == DATA
    assert (got.bytes, got.new_bytes) == (len(DATA), len(DATA))
    assert got.sha256 == hashlib.sha256(DATA).hexdigest()
    assert got.remote.name == "pages.zip"
    assert got.remote.etag == f'"{hashlib.md5(DATA).hexdigest()}"'
    assert names(server) == ["DownloadDataFiles", "GET"]
    assert told[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_the_storage_sees_no_credentials_and_no_file_the_signature(
    get: Get, server: KaggleServer, folder: Path
) -> None:
    get()
    assert "Authorization" in server.requests[0].headers
    assert "Authorization" not in server.requests[1].headers
    assert b"signature" not in b"".join(path.read_bytes() for path in folder.iterdir())


def test_after_a_cut_it_goes_on_from_there(get: Get, server: KaggleServer) -> None:
    server.fail("GET", "cut", at=30_000)
    got = get()
    assert got.path.read_bytes() == DATA
    assert got.new_bytes == len(DATA)
    assert spans(server) == [None, "bytes=30000-"]
    assert server.requests[-1].headers["If-Range"] == got.remote.etag


def test_cuts_are_borne_as_long_as_bytes_come(
    get: Get, server: KaggleServer, waits: list[float]
) -> None:
    server.fail("GET", "cut", times=3 * ATTEMPTS, at=7_000)
    assert get().path.read_bytes() == DATA
    assert server.count("GET") == 3 * ATTEMPTS + 1
    assert waits == []


def test_it_gives_up_when_no_byte_comes_any_more(
    get: Get, server: KaggleServer, waits: list[float], folder: Path
) -> None:
    server.fail("GET", "cut", at=40_000)
    server.fail("GET", "cut", times=99, at=0)
    with pytest.raises(NetworkError, match=r"the connection broke, 4 times.* 0\.0 MB are kept"):
        get()
    assert server.count("GET") == 1 + ATTEMPTS
    assert len(waits) == ATTEMPTS - 1
    assert waits == sorted(waits)
    assert here(folder) == DATA[:40_000]


def test_a_connection_that_is_dropped_is_made_again(
    get: Get, server: KaggleServer, waits: list[float]
) -> None:
    server.fail("GET", "drop", times=2)
    assert get().path.read_bytes() == DATA
    assert server.count("GET") == 3
    assert server.count("DownloadDataFiles") == 1


def test_a_later_call_goes_on_from_what_an_earlier_one_kept(
    get: Get, server: KaggleServer, waits: list[float], folder: Path
) -> None:
    server.fail("GET", "cut", at=60_000)
    fault = server.fail("GET", "status", status=503, times=99, body="Busy")
    with pytest.raises(NetworkError, match=r"storage answered 503.* MB are kept"):
        get()
    assert here(folder) == DATA[:60_000]
    fault.times = 0
    server.requests.clear()
    got = get()
    assert got.path.read_bytes() == DATA
    assert got.new_bytes == 40_000
    assert spans(server) == ["bytes=60000-"]


def test_a_busy_storage_is_asked_again_when_it_says(
    get: Get, server: KaggleServer, waits: list[float]
) -> None:
    server.fail("GET", "cut", at=60_000)
    server.fail("GET", "status", status=503, headers={"Retry-After": "7"}, body="Busy")
    server.fail("GET", "status", status=429, headers={"Retry-After": "9"})
    assert get().path.read_bytes() == DATA
    assert waits == [7.0, 9.0]
    assert spans(server) == [None, *["bytes=60000-"] * 3]


def test_an_address_that_has_expired_is_asked_for_again(
    get: Get, server: KaggleServer, waits: list[float]
) -> None:
    server.fail("GET", "cut", at=60_000)
    server.fail("GET", "status", status=403, body="<Error>ExpiredToken</Error>")
    assert get().path.read_bytes() == DATA
    assert names(server) == ["DownloadDataFiles", "GET", "GET", "DownloadDataFiles", "GET"]
    assert spans(server)[-1] == "bytes=60000-"


def test_a_storage_that_refuses_for_good_leaves_what_came(
    get: Get, server: KaggleServer, waits: list[float], folder: Path
) -> None:
    server.fail("GET", "cut", at=60_000)
    server.fail("GET", "status", status=403, times=ATTEMPTS, body="<Error>Denied</Error>")
    with pytest.raises(RefusedError, match="Kaggle's storage answered 403, 4 times") as caught:
        get()
    assert "secret" not in str(caught.value)
    assert here(folder) == DATA[:60_000]
    assert get().path.read_bytes() == DATA


def test_another_file_at_the_same_address_is_fetched_from_the_start(
    get: Get, server: KaggleServer, waits: list[float]
) -> None:
    server.fail("GET", "cut", at=60_000)
    fault = server.fail("GET", "status", status=500, times=99)
    with pytest.raises(NetworkError):
        get()
    fault.times = 0
    new = random.Random(2).randbytes(90_000)
    server.contests["pages"].archive = new
    server.fail("GET", "cut", times=ATTEMPTS + 1, at=100)  # less than there was of the old one
    got = get()
    assert got.path.read_bytes() == new
    assert got.sha256 == hashlib.sha256(new).hexdigest()


@pytest.mark.parametrize("change", [{"bytes": len(DATA) - 1}, {"bytes": None}])
def test_a_part_that_does_not_fit_what_is_here_is_not_taken(
    get: Get, server: KaggleServer, waits: list[float], folder: Path, change: dict[str, object]
) -> None:
    get()
    facts = json.loads((folder / "facts.json").read_text())
    (folder / "facts.json").write_text(json.dumps(facts | change))
    (folder / "bytes").write_bytes(b"x" * len(DATA))
    assert get().path.read_bytes() == DATA
    assert spans(server)[-1] is None  # the whole file


def test_what_nobody_knows_the_origin_of_is_fetched_anew(
    get: Get, server: KaggleServer, folder: Path
) -> None:
    folder.mkdir()
    (folder / "bytes").write_bytes(b"x" * 500)
    (folder / "facts.json").write_text('{"name": "cut sh')
    assert get().path.read_bytes() == DATA
    assert spans(server) == [None]


def test_where_all_is_here_one_byte_tells_whether_it_is_still_the_same(
    get: Get, server: KaggleServer
) -> None:
    get()
    got = get()
    assert got.path.read_bytes() == DATA
    assert got.new_bytes == 1
    assert spans(server) == [None, f"bytes={len(DATA) - 1}-"]


def test_a_page_from_the_storage_is_no_file(
    get: Get, server: KaggleServer, waits: list[float], folder: Path
) -> None:
    server.fail("GET", "html")
    with pytest.raises(AnswerError, match="storage answered with a web page"):
        get()
    assert here(folder) == b""
    server.fail("GET", "cut", at=60_000)
    server.fail("GET", "html")
    with pytest.raises(AnswerError):
        get()
    assert here(folder) == DATA[:60_000]
    assert get().path.read_bytes() == DATA


def test_silence_ends_and_it_goes_on_from_there(
    get: Get, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient_once(monkeypatch, lambda: server.count("GET") > 0)
    server.fail("GET", "stall", at=60_000)
    # after these bytes there is time too: no pause comes before the second GET
    got = get(on_bytes=lambda *_: monkeypatch.setattr(session, "TIMEOUT_S", (300.0, 300.0)))
    assert got.path.read_bytes() == DATA
    assert spans(server) == [None, "bytes=60000-"]


def test_silence_ends_with_the_deadline(server: KaggleServer, folder: Path) -> None:
    server.fail("GET", "stall", at=60_000, times=9)

    def fetch(limit_s: float) -> str:
        shutil.rmtree(folder, ignore_errors=True)
        with connect(Deadline(limit_s), "pages") as kaggle, pytest.raises(NetworkError) as late:
            fetch_file(kaggle, DOING, partial(storage_url, kaggle, DOING, PAGES), folder)
        return str(late.value)

    limit_s, said = in_time(fetch, lambda: here(folder) == DATA[:60_000])
    assert re.search(rf"not done within {limit_s:g} s.* are kept", said)


def test_a_storage_that_never_answers_ends_with_the_deadline(
    server: KaggleServer, folder: Path
) -> None:
    server.fail("GET", "hang", times=99)
    with connect(Deadline(0.6), "pages") as kaggle:
        find = partial(storage_url, kaggle, DOING, PAGES)
        with pytest.raises(NetworkError, match=r"not done within 0\.6 s"):
            fetch_file(kaggle, DOING, find, folder)


def test_without_room_nothing_is_written(get: Get, folder: Path) -> None:
    asked: list[tuple[int, int]] = []

    def check(coming: int, size: int) -> None:
        asked.append((coming, size))
        raise DataError("no room")

    with pytest.raises(DataError, match="no room"):
        get(check_space=check)
    assert asked == [(len(DATA), len(DATA))]
    assert here(folder) == b""


def test_room_is_needed_only_for_what_is_to_come(
    get: Get, server: KaggleServer, waits: list[float]
) -> None:
    asked: list[tuple[int, int]] = []
    server.fail("GET", "cut", at=60_000)
    get(check_space=lambda coming, size: asked.append((coming, size)))
    assert asked == [(100_000, 100_000), (40_000, 100_000)]


def test_a_folder_that_cannot_be_made_is_named(kaggle: Kaggle, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(DataError, match=r"cannot write to .*file/partial"):
        fetch_file(
            kaggle, DOING, partial(storage_url, kaggle, DOING, PAGES), tmp_path / "file" / "partial"
        )


def test_kept_bytes_are_forgotten_on_demand(get: Get, folder: Path) -> None:
    get()
    held = PartialFile(folder)
    assert (held.size, held.next_byte) == (len(DATA), len(DATA) - 1)
    held.discard()
    assert (held.size, held.next_byte, held.remote) == (0, 0, None)


Answer = Callable[[BaseHTTPRequestHandler], None]


@pytest.fixture
def storage() -> Iterator[Callable[[Answer], str]]:
    """Serves GET with a function; gives the address of a file there."""
    running: list[ThreadingHTTPServer] = []

    def serve(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_words: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                with suppress(ConnectionError):
                    answer(self)

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        http.daemon_threads = True
        running.append(http)
        threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{http.server_address[1]}/some%20pages.zip?signature=secret"

    yield serve
    for http in running:
        http.shutdown()
        http.server_close()


def head(to: BaseHTTPRequestHandler, **headers: str) -> None:
    to.send_response(200)
    for name, value in headers.items():
        to.send_header(name.replace("_", "-"), value)
    to.end_headers()


def test_a_trickle_ends_with_the_deadline(
    server: KaggleServer, storage: Callable[[Answer], str], folder: Path
) -> None:
    def trickle(to: BaseHTTPRequestHandler) -> None:
        head(to, Content_Length="100000", ETag='"a"')
        for _ in range(100_000):
            to.wfile.write(b"x")
            to.wfile.flush()
            time.sleep(0.02)

    place = storage(trickle)

    def fetch(limit_s: float) -> str:
        with connect(Deadline(limit_s), "pages") as kaggle, pytest.raises(NetworkError) as late:
            fetch_file(kaggle, DOING, lambda: place, folder)
        return str(late.value)

    limit_s, said = in_time(fetch, lambda: len(here(folder)) > 0)
    assert f"not done within {limit_s:g} s" in said


def test_what_has_no_mark_is_not_gone_on_from(
    kaggle: Kaggle, storage: Callable[[Answer], str], folder: Path, waits: list[float]
) -> None:
    asked: list[str | None] = []

    def cut_once(to: BaseHTTPRequestHandler) -> None:
        asked.append(to.headers["Range"])
        head(to, Content_Length=str(len(DATA)))
        to.wfile.write(DATA[:50_000] if len(asked) == 1 else DATA)

    place = storage(cut_once)
    got = fetch_file(kaggle, DOING, lambda: place, folder)
    assert got.path.read_bytes() == DATA
    assert asked == [None, None]
    assert got.remote.name == "some pages.zip"


def test_a_body_without_a_length_is_taken_whole(
    kaggle: Kaggle, storage: Callable[[Answer], str], folder: Path
) -> None:
    def answer(to: BaseHTTPRequestHandler) -> None:
        head(to, ETag='"a"')
        to.wfile.write(DATA)

    place = storage(answer)
    got = fetch_file(kaggle, DOING, lambda: place, folder)
    assert got.path.read_bytes() == DATA
    assert got.remote.bytes is None


def test_bytes_are_asked_for_as_they_are_stored(
    kaggle: Kaggle, storage: Callable[[Answer], str], folder: Path
) -> None:
    def answer(to: BaseHTTPRequestHandler) -> None:
        if "gzip" in to.headers["Accept-Encoding"]:
            head(to, Content_Encoding="gzip", ETag='"a"')
            to.wfile.write(gzip.compress(DATA))
        else:
            head(to, Content_Length=str(len(DATA)), ETag='"a"')
            to.wfile.write(DATA)

    place = storage(answer)
    assert fetch_file(kaggle, DOING, lambda: place, folder).path.read_bytes() == DATA


def test_a_weak_mark_gives_way_to_the_date(
    kaggle: Kaggle, storage: Callable[[Answer], str], folder: Path
) -> None:
    date = "Sat, 01 Nov 2025 10:00:00 GMT"

    def answer(to: BaseHTTPRequestHandler) -> None:
        head(to, Content_Length="3", ETag='W/"a"', Last_Modified=date)
        to.wfile.write(b"abc")

    place = storage(answer)
    got = fetch_file(kaggle, DOING, lambda: place, folder)
    assert got.remote.validator == date


def test_parts_of_any_length_make_a_whole(
    kaggle: Kaggle, storage: Callable[[Answer], str], folder: Path, waits: list[float]
) -> None:
    asked: list[int] = []

    def some(to: BaseHTTPRequestHandler) -> None:
        start = int(to.headers.get("Range", "bytes=0-")[6:-1])
        asked.append(start)
        end = min(start + 30_000, len(DATA)) if start else 50_000
        to.send_response(206 if start else 200)
        if start:
            to.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(DATA)}")
        to.send_header("Content-Length", str(end - start if start else len(DATA)))
        to.send_header("ETag", '"a"')
        to.end_headers()
        to.wfile.write(DATA[start:end])

    place = storage(some)
    assert fetch_file(kaggle, DOING, lambda: place, folder).path.read_bytes() == DATA
    assert asked == [0, 50_000, 80_000]


def test_a_part_from_elsewhere_is_not_taken(
    kaggle: Kaggle, storage: Callable[[Answer], str], folder: Path, waits: list[float]
) -> None:
    asked: list[str | None] = []

    def another(to: BaseHTTPRequestHandler) -> None:
        asked.append(to.headers["Range"])
        partly = to.headers["Range"] is not None
        to.send_response(206 if partly else 200)
        if partly:
            to.send_header("Content-Range", f"bytes 10000-{len(DATA) - 1}/{len(DATA)}")
        response_chunks = DATA[10_000:] if partly else DATA
        to.send_header("Content-Length", str(len(response_chunks)))
        to.send_header("ETag", '"a"')
        to.end_headers()
        to.wfile.write(response_chunks[:20_000] if len(asked) == 1 else response_chunks)

    place = storage(another)
    assert fetch_file(kaggle, DOING, lambda: place, folder).path.read_bytes() == DATA
    assert asked == [None, "bytes=20000-", None]


def test_more_bytes_than_there_should_be_are_cut_off(
    get: Get, server: KaggleServer, folder: Path
) -> None:
    get()
    (folder / "bytes").write_bytes(DATA + b"from a machine that went down")
    assert get().path.read_bytes() == DATA
    assert server.count("GET") == 2


def test_bytes_that_never_end_end_with_the_deadline(
    server: KaggleServer,
    storage: Callable[[Answer], str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(response_chunks, "CHUNK_BYTES", 1000)

    def endless(to: BaseHTTPRequestHandler) -> None:
        head(to, ETag='"a"')
        while True:
            to.wfile.write(bytes(10_000))

    place = storage(endless)
    with (
        connect(Deadline(0.6), "pages") as kaggle,
        pytest.raises(NetworkError, match=r"not done within 0\.6 s"),
    ):
        fetch_file(kaggle, DOING, lambda: place, folder, lambda _done, _size: time.sleep(0.001))
