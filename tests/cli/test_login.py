"""`comp login` as a command of its own: what it finds, what works, and what it never shows."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import inline_comp
import pytest
from kaggle_server import KEY, TOKEN, USER, KaggleServer
from short_limits import in_time

COMP = Path(sys.executable).parent / "comp"
EXPIRED = "KGAT_expired-and-secret"
SECRETS = (TOKEN, KEY, EXPIRED, TOKEN[-8:], KEY[:8], "refresh-secret")
Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def server() -> Iterator[KaggleServer]:
    with KaggleServer() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    place.mkdir()
    return place


@pytest.fixture
def call(server: KaggleServer, home: Path, tmp_path: Path) -> Call:
    """Runs `comp login` and looks whether it shows a secret or changes a file."""

    def run(
        *args: str, credentials: Any = "none", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        environment = server.environment(home, credentials) | variables
        for path in home.glob(".kaggle/*"):
            path.chmod(0o600)
        before = {path: path.is_file() and path.read_text() for path in home.rglob("*")}
        done = inline_comp.run("login", *args, cwd=tmp_path, env=environment, skip_waits=True)
        assert {path: path.is_file() and path.read_text() for path in home.rglob("*")} == before
        assert sorted(tmp_path.iterdir()) == [home]
        assert [secret for secret in SECRETS if secret in done.stdout + done.stderr] == []
        return done

    return run


def file(home: Path, name: str, held: object) -> Path:
    place = home / ".kaggle" / name
    place.parent.mkdir(exist_ok=True)
    place.write_text(held if isinstance(held, str) else json.dumps(held))
    return place


@pytest.mark.parametrize(
    ("credentials", "line", "asked"),
    [
        ("token", "1. KAGGLE_API_TOKEN: token, works, as ada", "IntrospectToken"),
        ("file", "1. ~/.kaggle/access_token: token, works, as ada", "IntrospectToken"),
        (
            "key",
            "1. KAGGLE_USERNAME and KAGGLE_KEY: key of ada, works, as ada",
            "ListCompetitions",
        ),
        ("json", "1. ~/.kaggle/kaggle.json: key of ada, works, as ada", "ListCompetitions"),
    ],
)
def test_it_says_what_works_and_as_whom(
    call: Call, server: KaggleServer, credentials: str, line: str, asked: str
) -> None:
    done = call(credentials=credentials)
    assert (done.returncode, done.stderr) == (0, "")
    title, *lines = done.stdout.splitlines()
    assert "in the order of their priority" in title
    assert lines == [line]
    assert [seen.name for seen in server.requests] == [asked]


def test_oauth_credentials_are_asked_about_as_well(
    call: Call, server: KaggleServer, home: Path
) -> None:
    later = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    held = {"refresh_token": "refresh-secret", "access_token": TOKEN, "username": USER}
    file(home, "credentials.json", held | {"access_token_expiration": later})
    done = call()
    assert (done.returncode, done.stderr) == (0, "")
    assert "1. ~/.kaggle/credentials.json: OAuth sign-in of ada, works, as ada" in done.stdout


def test_without_credentials_it_says_how_to_get_some(call: Call, server: KaggleServer) -> None:
    done = call()
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("comp: no Kaggle credentials found: make a token at https://www")
    assert "~/.kaggle/access_token" in done.stderr
    assert server.requests == []
    done = call("--json")
    assert (done.returncode, json.loads(done.stdout)) == (3, {"credentials": [], "warnings": []})


def test_an_expired_token_before_a_key_that_works_is_warned_of(
    call: Call, server: KaggleServer
) -> None:
    done = call(credentials="json", KAGGLE_API_TOKEN=EXPIRED)
    assert done.returncode == 3
    assert done.stdout.splitlines()[1:] == [
        "1. KAGGLE_API_TOKEN: token, refused by Kaggle",
        "2. ~/.kaggle/kaggle.json: key of ada, works, as ada",
        "warning: the token from KAGGLE_API_TOKEN does not work and comes before the key from "
        "~/.kaggle/kaggle.json, which works: renew it or remove it",
    ]
    assert "Kaggle answered 401" in done.stderr
    assert "from KAGGLE_API_TOKEN are not valid" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_token_that_is_not_active_does_not_work(call: Call, server: KaggleServer) -> None:
    server.fail("IntrospectToken", "status", status=200, body={"active": False})
    done = call(credentials="token")
    assert done.returncode == 3
    assert "1. KAGGLE_API_TOKEN: token, refused by Kaggle" in done.stdout
    assert "the token from KAGGLE_API_TOKEN has expired or was revoked; make a" in done.stderr


def test_a_key_that_is_wrong_behind_a_token_that_works_does_no_harm(
    call: Call, server: KaggleServer, home: Path
) -> None:
    file(home, "kaggle.json", {"username": "bob", "key": EXPIRED})
    done = call("--json", credentials="token")
    assert done.returncode == 0
    first, second = json.loads(done.stdout)["credentials"]
    assert first == {
        "source": "KAGGLE_API_TOKEN",
        "kind": "token",
        "state": "works",
        "username": USER,
        "error": None,
    }
    assert (second["state"], second["username"], second["kind"]) == ("refused", None, "key")
    assert "401" in second["error"]
    assert "warning" not in done.stderr


def test_without_a_network_it_still_says_what_is_found(call: Call, server: KaggleServer) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{taken.getsockname()[1]}"
    done = call(
        "--timeout",
        "300s",
        credentials="json",
        KAGGLE_API_TOKEN=TOKEN,
        HTTP_PROXY=nobody,
        http_proxy=nobody,
    )
    assert done.returncode == 4
    assert done.stdout.splitlines()[1:] == [
        "1. KAGGLE_API_TOKEN: token, not checked, no answer from Kaggle",
        "2. ~/.kaggle/kaggle.json: key of ada, not checked, no answer from Kaggle",
    ]
    assert "no connection to Kaggle" in done.stderr
    assert done.stderr.count("\n") == 1


def test_once_kaggle_does_not_answer_it_is_not_asked_again(
    call: Call, server: KaggleServer, home: Path
) -> None:
    file(home, "access_token", TOKEN)
    later = {"Retry-After": "900"}
    server.fail("IntrospectToken", "status", status=503, headers=later, times=9)
    done = call("--json", credentials="json", KAGGLE_API_TOKEN=TOKEN)
    assert done.returncode == 4
    states = [one["state"] for one in json.loads(done.stdout)["credentials"]]
    assert states == ["unknown", "unknown", "unknown"]
    assert [seen.name for seen in server.requests] == ["IntrospectToken"]


def test_a_kaggle_that_never_answers_ends_by_the_deadline(call: Call, server: KaggleServer) -> None:
    server.fail("IntrospectToken", "hang", times=9)
    limit_s, done = in_time(
        lambda limit_s: call("--timeout", f"{limit_s:g}s", credentials="token"),
        lambda: server.count("IntrospectToken") > 0,
    )
    assert done.returncode == 4
    assert f"asking who you are: not done within {limit_s:g} s" in done.stderr
    assert server.count("IntrospectToken") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_files_that_others_can_read_or_nobody_uses_are_named(
    server: KaggleServer, home: Path
) -> None:
    variables = server.environment(home, "json")
    exposed = home / ".kaggle" / "kaggle.json"
    exposed.chmod(0o644)
    unused = file(home, "credentials.json", "{nonsense")
    unused.chmod(0o600)
    done = subprocess.run([COMP, "login"], env=variables, capture_output=True, text=True)
    assert done.returncode == 0
    assert [line for line in done.stdout.splitlines() if line.startswith("warning")] == [
        "warning: ~/.kaggle/kaggle.json can be read by other users of this machine: "
        "chmod 600 ~/.kaggle/kaggle.json",
        "warning: ~/.kaggle/credentials.json is not used: it contains no valid "
        "credentials, or variables come before it",
    ]


@pytest.mark.parametrize("timeout", ["soon", "0", "-3s", "1e"])
def test_a_timeout_that_is_no_time_is_refused(call: Call, timeout: str) -> None:
    done = call(f"--timeout={timeout}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"comp: --timeout {timeout} is not a duration above 0: write 60s, 5m or 1h30m\n"
    )


HOMELESS = """
import pwd, sys

def unknown(uid):
    raise KeyError(f"getpwuid(): uid not found: {uid}")

pwd.getpwuid = unknown
import comp.cli
comp.cli.main()
"""
TINY = [
    *("max_steps=2", "options.crop=32", "predict.tta=none", "loader.batch_size=2"),
    *("validations=1", "report.explain=0"),
]
NO_CREDENTIALS = "no Kaggle credentials found: make a token"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no module pwd")
@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [
        ("login", 3, NO_CREDENTIALS),
        ("download denoising", 3, NO_CREDENTIALS),
        ("submit r1 --yes", 3, NO_CREDENTIALS),
        ("doctor --offline", 2, "not checked; no credentials"),
        ("run denoising --folds 2 --fold 0 --data PAGES", 0, "out of fold"),
    ],
)
def test_commands_work_for_a_user_without_a_home_folder(
    server: KaggleServer, tmp_path: Path, pages: Path, words: str, code: int, shown: str
) -> None:
    environment = server.environment(tmp_path, "none") | {"PYTHONPATH": os.pathsep.join(sys.path)}
    del environment["HOME"]
    write_run(tmp_path, pages)
    command = [str(pages) if word == "PAGES" else word for word in words.split()]
    if command[0] == "run":
        command += [word for key in TINY for word in ("--set", key)]
    done = subprocess.run(
        [sys.executable, "-c", HOMELESS, *command],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == code, done.stdout + done.stderr
    assert shown in done.stdout + done.stderr
    assert not (tmp_path / "~").exists()
    if code == 3:
        assert "KAGGLE_API_TOKEN" in done.stderr


def write_run(root: Path, pages: Path) -> None:
    """A finished run whose submission is the sample submission."""
    run = root / "runs" / "denoising" / "r1"
    run.mkdir(parents=True)
    record = {"run_id": "r1", "competition": "denoising", "state": "finished", "data": str(pages)}
    (run / "run.json").write_text(json.dumps(record))
    csv = root / "submissions" / "denoising" / "r1.csv"
    csv.parent.mkdir(parents=True)
    csv.write_text((pages / "sampleSubmission.csv").read_text())
