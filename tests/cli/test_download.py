"""`comp download` as a command of its own, with Kaggle's client against a server of ours that fails
in every way that Kaggle does; and `comp run`, which offers it."""

from __future__ import annotations

import io
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import inline_comp
import pytest
from kaggle_server import KEY, TOKEN, Contest, KaggleServer, zipped
from on_terminal import UNATTENDED
from short_limits import LIMITS_S, in_time

from comp.cli import main
from comp.errors import DataError

SLUG = "denoising-dirty-documents"
COMP = Path(sys.executable).parent / "comp"
UNPACKED = {"train/1.png": b"one" * 50, "test/2.png": b"two", "sampleSubmission.csv": b"id,value\n"}
ARCHIVE = zipped(
    {
        "train.zip": zipped({"train/1.png": UNPACKED["train/1.png"]}),
        "test.zip": zipped({"test/2.png": UNPACKED["test/2.png"]}),
        "sampleSubmission.csv": UNPACKED["sampleSubmission.csv"],
    }
)
AT_ONCE = {"Retry-After": "0"}
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        running.contests[SLUG] = Contest(archive=ARCHIVE, leaderboard=[("Ada", "0.01")])
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir()
    return place


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, entered."""
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def call(server: KaggleServer, home: Path, here: Path) -> Call:
    """Runs `comp` on data of denoising."""

    def run(*args: str, credentials: Any = "token") -> subprocess.CompletedProcess[str]:
        environment = server.environment(home, credentials)
        before = sorted(home.rglob("*"))
        words = args or ("download", "denoising")
        done = inline_comp.run(*words, cwd=here, env=environment, skip_waits=True)
        assert sorted(home.rglob("*")) == before
        said = done.stdout + done.stderr
        assert all(secret not in said for secret in (TOKEN, KEY, "verysecret", "Traceback"))
        return done

    return run


@pytest.fixture
def again(
    server: KaggleServer, home: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., int]:
    """Runs the command in this process; the server has then seen only its requests."""

    def run(*args: str) -> int:
        server.requests.clear()
        variables = server.environment(home)
        for name in set(os.environ) - set(variables):
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["comp", *(args or ("download", "denoising"))])
        with pytest.raises(SystemExit) as stop:
            main()
        return int(stop.value.code or 0)

    return run


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".manifest.json"
    }


def spans(server: KaggleServer) -> list[str | None]:
    return [seen.headers.get("Range") for seen in server.requests if seen.name == "GET"]


def kept(here: Path) -> bytes:
    """The bytes that an interrupted download has left, none without a file."""
    path = here / "data/.cache/partial" / f"competitions--{SLUG}" / "all/bytes"
    return path.read_bytes() if path.exists() else b""


Fault = Callable[[KaggleServer], None]


def fault(on: str, kind: str, **how: Any) -> Fault:
    return lambda server: server.fail(on, kind, **how) and None


def not_authorized(server: KaggleServer) -> None:
    server.tokens.clear()


def not_entered(server: KaggleServer) -> None:
    server.contests[SLUG].entered = False


def not_there(server: KaggleServer) -> None:
    server.contests.clear()


def cut_short(server: KaggleServer) -> None:
    server.contests[SLUG].archive = ARCHIVE[:-30]


def busy_after_a_cut(server: KaggleServer) -> None:
    server.fail("GET", "cut", at=100)
    server.fail("GET", "status", status=503, times=99, body="Busy" * 99, headers=AT_ONCE)


ALL = "DownloadDataFiles"
FAILURES = {
    "401": (not_authorized, 3, (1, 0), "credentials from KAGGLE_API_TOKEN are not valid"),
    "403": (not_entered, 3, (1, 0), f"https://www.kaggle.com/competitions/{SLUG}/rules"),
    "404": (not_there, 3, (1, 0), f"Kaggle has nothing named '{SLUG}'"),
    "429": (
        fault(ALL, "status", status=429, times=99, headers={"Retry-After": "3600"}),
        *(4, (1, 0), "too many requests, wait 3600 s"),
    ),
    "500": (
        fault(ALL, "status", status=500, times=99, body="Oh", headers=AT_ONCE),
        *(4, (4, 0), "Kaggle answered 500, 'Oh': try again later"),
    ),
    "never answers": (fault(ALL, "hang", times=99), 4, (1, 0), "not done within LIMIT s"),
    "body stalls": (fault("GET", "stall", at=100, times=9), 4, (1, 1), "not done within LIMIT s"),
    "cut, then 503": (busy_after_a_cut, 4, (1, 5), "Kaggle's storage answered 503"),
    "truncated zip": (cut_short, 4, (1, 1), f"{SLUG}.zip is not a zip archive, or is truncated"),
    "page": (fault(ALL, "html"), 4, (1, 0), "Kaggle answered with text/html"),
    "page in storage": (fault("GET", "html"), 4, (1, 1), "storage answered with a web page"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_says_so_leaves_no_broken_file_and_is_recovered_from(
    call: Call, again: Callable[..., int], server: KaggleServer, here: Path, name: str
) -> None:
    break_it, code, (questions, fetches), words = FAILURES[name]
    break_it(server)

    def failed(limit_s: float) -> subprocess.CompletedProcess[str]:
        server.requests.clear()
        shutil.rmtree(here / "data", ignore_errors=True)
        return call("download", "denoising", "--keep-zip", "--timeout", f"{limit_s:g}s")

    def reached() -> bool:
        asked = (server.count(ALL), server.count("GET")) == (questions, fetches)
        return asked and (name != "body stalls" or kept(here) == ARCHIVE[:100])

    waits = name in ("never answers", "body stalls")
    limit_s, done = in_time(failed, reached, LIMITS_S if waits else [300])
    assert done.returncode == code
    assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert done.stderr.startswith("comp: ")
    assert words.replace("LIMIT", f"{limit_s:g}") in done.stderr
    assert (server.count(ALL), server.count("GET")) == (questions, fetches)
    assert sorted(path.name for path in (here / "data").iterdir()) == [".cache"]

    broken_off = "MB are kept, and the same command resumes from there" in done.stderr
    assert broken_off == (name in ("body stalls", "cut, then 503"))
    if broken_off:
        assert kept(here) == ARCHIVE[:100]
    server.faults.clear()
    server.tokens[TOKEN] = "ada"
    server.contests[SLUG] = Contest(archive=ARCHIVE)
    assert again() == 0
    assert tree(here / "data" / "denoising") == UNPACKED
    assert (server.count(ALL), server.count("GET")) == (1, 1)
    assert spans(server) == ["bytes=100-" if broken_off else None]


def test_one_bad_moment_of_each_kind_is_borne(call: Call, server: KaggleServer, here: Path) -> None:
    server.fail(ALL, "status", status=502, headers=AT_ONCE)
    server.fail("GET", "cut", at=100)
    server.fail("GET", "status", status=503, headers=AT_ONCE)
    server.fail("GET", "status", status=403, body="<Error>expired</Error>")
    server.fail("GET", "cut", at=50)
    done = call("download", "denoising", "--keep-zip")
    assert (done.returncode, done.stderr) == (0, "")
    assert (server.count(ALL), server.count("GET")) == (3, 5)
    assert spans(server) == [None, *["bytes=100-"] * 3, "bytes=150-"]
    assert tree(here / "data" / "denoising") == UNPACKED
    assert (here / "data" / "denoising.zip").read_bytes() == ARCHIVE


def test_a_corrupt_file_of_the_same_size_is_found_and_mended(
    call: Call, again: Callable[..., int], server: KaggleServer, here: Path
) -> None:
    assert again() == 0
    place = here / "data" / "denoising"
    (place / "test" / "2.png").write_bytes(b"tow")
    server.requests.clear()
    done = call()
    assert done.returncode == 0
    assert f"in {place}: test/2.png has changed" in done.stdout
    assert (server.count(ALL), server.count("GET")) == (1, 1)
    assert tree(place) == UNPACKED
    assert again() == 0
    assert server.requests == []


def test_a_leaderboard_leaves_the_data_alone(
    call: Call, again: Callable[..., int], server: KaggleServer, here: Path
) -> None:
    assert again("download", "denoising", "--keep-zip") == 0
    done = call("leaderboard", "denoising")
    assert done.returncode == 0, done.stderr
    assert server.count("DownloadLeaderboard") == 1
    assert (here / "data" / "denoising.zip").read_bytes() == ARCHIVE
    assert again("download", "denoising", "--keep-zip") == 0
    assert server.requests == []


@pytest.fixture
def stalled(server: KaggleServer, home: Path, here: Path) -> Iterator[subprocess.Popen[str]]:
    """A download that waits for more bytes than the first hundred."""
    server.fail("GET", "stall", at=100)
    process = subprocess.Popen(
        [COMP, "download", "denoising"],
        env=server.environment(home),
        cwd=here,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            end = time.monotonic() + 600
            while not server.count("GET"):
                assert time.monotonic() < end
                assert process.poll() is None, process.communicate()
                time.sleep(0.02)
            time.sleep(0.3)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_after_an_interruption_it_goes_on(
    stalled: subprocess.Popen[str],
    again: Callable[..., int],
    server: KaggleServer,
    here: Path,
    sign: signal.Signals,
    code: int,
) -> None:
    stalled.send_signal(sign)
    out, err = stalled.communicate(timeout=600)
    assert (stalled.returncode, out) == (code, "")
    assert err in ("", "comp: interrupted\n")
    assert [path.name for path in (here / "data").iterdir()] == [".cache"]
    assert again() == 0
    assert tree(here / "data" / "denoising") == UNPACKED
    assert len(spans(server)) == 1


def test_a_second_one_at_the_same_time_is_refused(
    stalled: subprocess.Popen[str], call: Call, server: KaggleServer
) -> None:
    done = call()
    assert done.returncode == 2
    assert "another 'comp download' of denoising is running" in done.stderr
    assert (server.count(ALL), server.count("GET")) == (1, 1)


def test_json_is_one_line_and_the_rest_goes_to_stderr(
    call: Call, server: KaggleServer, here: Path
) -> None:
    done = call("download", "denoising", "--json", "--keep-zip", "--out", "mine")
    facts = json.loads(done.stdout)
    assert done.stdout.count("\n") == 1
    assert facts == {
        "name": "denoising",
        "reference": f"competitions/{SLUG}",
        "place": str(here / "mine"),
        "files": 3,
        "bytes": sum(map(len, UNPACKED.values())),
        "fetched": True,
        "received": len(ARCHIVE),
        "zip": str(here / "mine.zip"),
    }
    assert "denoising downloaded: 3 files" in done.stderr
    assert tree(here / "mine") == UNPACKED


@pytest.mark.parametrize("credentials", ["key", "file", "json"])
def test_any_credentials_do(call: Call, server: KaggleServer, here: Path, credentials: str) -> None:
    server.datasets["ada/x-rays"] = zipped({"1.png": b"one"})
    done = call("download", "ada/x-rays", credentials=credentials)
    assert (done.returncode, done.stderr) == (0, "")
    assert "x-rays downloaded: 1 files" in done.stdout
    assert "data        data/x-rays" in done.stdout
    assert tree(here / "data" / "x-rays") == {"1.png": b"one"}


def test_without_credentials_it_says_how_to_get_them(call: Call, server: KaggleServer) -> None:
    done = call("download", "denoising", credentials="none")
    assert done.returncode == 3
    assert "no Kaggle credentials found: make a token at" in done.stderr
    assert server.requests == []


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("titanic",), "unknown competition 'titanic'"),
        (("denoising", "--timeout", "soon"), "--timeout soon is not a duration"),
        (("denoising", "--file", "../a"), "--file ../a"),
    ],
)
def test_mistakes_are_one_line(
    again: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    here: Path,
    args: tuple[str, ...],
    words: str,
) -> None:
    assert again("download", *args) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert words in err
    assert list(here.iterdir()) == []


def test_a_terminal_shows_a_bar(server: KaggleServer, home: Path, here: Path) -> None:
    ours, its = pty.openpty()
    process = subprocess.Popen(
        [COMP, "download", "denoising"],
        env=server.environment(home) | {"TERM": "xterm", "COLUMNS": "120"},
        cwd=here,
        stdout=its,
        stderr=its,
    )
    os.close(its)
    shown = b""
    with process, suppress(OSError):  # at its end
        while data := os.read(ours, 4096):
            shown += data
    os.close(ours)
    assert process.returncode == 0
    assert b"downloading" in shown  # of the bar
    assert b"\x1b[2K" in shown  # which is gone in the end
    assert b"denoising downloaded: 3 files" in shown


def test_no_heavy_library_is_imported(server: KaggleServer, home: Path, here: Path) -> None:
    code = (
        "import sys; from comp.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "download", "denoising"],
        env=server.environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "denoising downloaded" in done.stdout
    for name in ("torch", "timm", "pandas", "sklearn", "cv2", "kaggle"):
        assert f"'{name}'" not in done.stderr


@pytest.fixture
def looked_for(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Stops a run when it looks for its data, and notes whether there are any."""
    found: list[bool] = []

    def stop(competition: Any, workspace: Any, *_rest: object) -> None:
        found.append(workspace.has_data(competition.name))
        raise DataError("this is enough")

    monkeypatch.setattr("comp.data.location.locate_data", stop)
    return found


class Terminal(io.StringIO):
    """What a user types."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Stdout is the terminal of a user, who types "y"."""
    for name in UNATTENDED:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    monkeypatch.setattr(type(sys.stdout), "isatty", lambda _: True)


NOTE = (
    "no data in data/denoising: 'comp download denoising' downloads it; this run uses synthetic "
    "data\n"
)


def test_a_run_without_data_says_how_to_get_them(
    again: Callable[..., int],
    server: KaggleServer,
    looked_for: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    assert again("run", "denoising") == 2
    assert capsys.readouterr() == (NOTE, "comp: this is enough\n")
    assert again("run", "denoising", "--json") == 2
    assert capsys.readouterr() == ("", NOTE + "comp: this is enough\n")
    assert (looked_for, server.requests) == ([False, False], [])


@pytest.mark.parametrize("name", ["CI", "JPY_PARENT_PID"])
def test_a_run_asks_no_question_in_a_notebook_or_on_a_build_server(
    again: Callable[..., int],
    on_terminal: None,
    looked_for: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    monkeypatch.setenv(name, "1")
    assert again("run", "denoising") == 2
    assert capsys.readouterr().out.startswith(NOTE)
    assert looked_for == [False]


@pytest.mark.parametrize(("typed", "there"), [("y\n", True), ("n\n", False), ("\n", False)])
def test_a_run_without_data_offers_them_on_a_terminal(
    again: Callable[..., int],
    on_terminal: None,
    server: KaggleServer,
    here: Path,
    looked_for: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    there: bool,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    assert again("run", "denoising") == 2
    assert (
        "no data in data/denoising: download it from Kaggle now? [y/N]" in capsys.readouterr().out
    )
    assert looked_for == [there]
    assert server.count(ALL) == int(there)
    assert (here / "data" / "denoising" / "train" / "1.png").is_file() == there


@pytest.mark.parametrize("args", [("--sample",), ("--data", "mine")])
def test_a_run_that_knows_its_data_offers_none(
    again: Callable[..., int],
    on_terminal: None,
    looked_for: list[bool],
    capsys: pytest.CaptureFixture[str],
    args: tuple[str, ...],
) -> None:
    assert again("run", "denoising", *args) == 2
    assert capsys.readouterr().out == ""


def test_a_run_with_data_or_without_credentials_offers_none(
    again: Callable[..., int],
    on_terminal: None,
    here: Path,
    looked_for: list[bool],
    server: KaggleServer,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    without = server.environment
    with monkeypatch.context() as patched:
        patched.setattr(server, "environment", lambda home: without(home, "none"))
        assert again("run", "denoising") == 2
    (here / "data" / "denoising" / "train").mkdir(parents=True)
    assert again("run", "denoising") == 2
    assert capsys.readouterr().out == ""


def test_the_list_shows_what_a_run_needs_and_downloads_nothing(
    again: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    server: KaggleServer,
    here: Path,
) -> None:
    names = ("train.zip", "train_cleaned.zip", "test.zip", "sampleSubmission.csv.zip", "more.csv")
    server.contests[SLUG].files = dict.fromkeys(names, b"1234")
    assert again("download", "denoising", "--list") == 0
    out, _ = capsys.readouterr()
    assert "4 B  * train.zip" in out
    assert "5 files, 20 B in all" in out
    assert " ".join(out.split()).endswith("--file train.zip --file train_cleaned.zip")
    assert again("download", "denoising", "--list", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [file["needed"] for file in found["files"]] == [True] * 4 + [False]
    assert not (here / "data").exists()
    assert again("download", "denoising", "--list", "--only", "*.csv") == 2
    assert "leave out --file and --only" in capsys.readouterr().err


def test_several_files_and_patterns(
    again: Callable[..., int], capsys: pytest.CaptureFixture[str], server: KaggleServer, here: Path
) -> None:
    server.contests[SLUG].files = dict.fromkeys(("a.csv", "b.csv", "c/d.txt", "e.txt"), b"1234")
    assert again("download", "denoising", "--file", "e.txt", "--only", "*.csv") == 0
    assert set(tree(here / "data/denoising")) == {"a.csv", "b.csv", "e.txt"}
    assert "not downloaded: 1 file, 4 B: comp download denoising --file c/d.txt" in " ".join(
        capsys.readouterr().out.split()
    )
