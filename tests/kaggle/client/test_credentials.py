"""Which credentials are found, in which order, and that none of them shows itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from comp.errors import RefusedError
from comp.kaggle.client.credentials import (
    HOW_TO_GET_CREDENTIALS,
    Credentials,
    active_credentials,
    config_folder,
    display_path,
    find_credentials,
)
from comp.kaggle.client.identity import Identity, warnings

TOKEN = "KGAT_secret-token"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, and no variable that says anything about Kaggle."""
    for name in list(os.environ):
        if name.startswith(("KAGGLE_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(path: Path, held: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(held if isinstance(held, str) else json.dumps(held))
    return path


def key(username: str = "ada", secret: str = "key-secret") -> dict[str, str]:
    return {"username": username, "key": secret}


def test_nothing_is_found_in_an_empty_home_and_nothing_is_made(home: Path) -> None:
    assert find_credentials() == []
    with pytest.raises(RefusedError, match="no Kaggle credentials found") as caught:
        active_credentials()
    assert HOW_TO_GET_CREDENTIALS in str(caught.value)
    assert "'comp login'" in str(caught.value)
    assert list(home.iterdir()) == []


def test_all_are_found_in_the_order_of_kaggles_client(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = home / ".kaggle"
    write(folder / "credentials.json", {"refresh_token": "refresh-secret", "username": "ada"})
    write(folder / "kaggle.json", key())
    write(folder / "access_token.txt", "third-secret")
    write(folder / "access_token", "second-secret\n")
    monkeypatch.setenv("KAGGLE_API_TOKEN", f" {TOKEN} ")
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    monkeypatch.setenv("KAGGLE_API_V1_TOKEN", str(write(home / "notebook", "notebook-secret")))
    found = find_credentials()
    assert [(one.kind, one.source, one.secret) for one in found] == [
        ("token", "KAGGLE_API_V1_TOKEN", "notebook-secret"),
        ("token", "KAGGLE_API_TOKEN", TOKEN),
        ("token", "~/.kaggle/access_token", "second-secret"),
        ("token", "~/.kaggle/access_token.txt", "third-secret"),
        ("key", "~/.kaggle/kaggle.json", "key-secret"),
        ("oauth", "~/.kaggle/credentials.json", ""),
    ]
    assert [one.username for one in found[-2:]] == ["ada", "ada"]
    assert active_credentials() == found[0]
    assert "secret" not in repr(found)


def test_the_order_is_that_of_the_sdk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary: the SDK, asked for its own choice, takes what we list first."""
    from kagglesdk.kaggle_env import get_access_token_from_env

    write(home / ".kaggle" / "access_token.txt", "from-txt")
    assert get_access_token_from_env()[0] == active_credentials().secret == "from-txt"
    write(home / ".kaggle" / "access_token", "from-file")
    assert get_access_token_from_env()[0] == active_credentials().secret == "from-file"
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert get_access_token_from_env()[0] == active_credentials().secret == TOKEN


def test_the_token_variable_may_name_a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(write(home / "token.txt", TOKEN + "\n")))
    assert active_credentials() == Credentials("token", "KAGGLE_API_TOKEN", secret=TOKEN)


@pytest.mark.parametrize("token", ["x" * 5000, "a/b\tc", "ends-with-a-dot."])
def test_a_token_need_be_no_name_of_a_file(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", token)
    assert active_credentials().secret == token


def test_variables_go_before_kaggle_json_one_by_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / ".kaggle" / "kaggle.json", key())
    monkeypatch.setenv("KAGGLE_KEY", "other-secret")
    (both,) = find_credentials()
    assert (both.username, both.secret) == ("ada", "other-secret")
    assert both.source == "KAGGLE_KEY and ~/.kaggle/kaggle.json"
    monkeypatch.setenv("KAGGLE_USERNAME", "bob")
    (named,) = find_credentials()
    assert (named.username, named.secret) == ("bob", "other-secret")
    assert named.source == "KAGGLE_USERNAME and KAGGLE_KEY"


@pytest.mark.parametrize(
    "held",
    ["", "{}", "[]", "{nonsense", '"text"', {"username": "ada"}, {"key": "x", "username": ""}],
)
def test_half_a_key_or_a_damaged_file_is_none(home: Path, held: object) -> None:
    write(home / ".kaggle" / "kaggle.json", held)
    write(home / ".kaggle" / "credentials.json", held)
    assert find_credentials() == []


def test_files_that_are_no_text_are_passed_over(home: Path) -> None:
    (home / ".kaggle").mkdir()
    (home / ".kaggle" / "access_token").write_bytes(b"\xff\xfe\x00")
    (home / ".kaggle" / "kaggle.json").mkdir()
    assert find_credentials() == []


def test_kaggle_json_is_looked_for_where_kaggles_client_looks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert config_folder() == home / ".config" / "kaggle"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    assert config_folder() == home / "xdg" / "kaggle"
    write(home / "xdg" / "kaggle" / "kaggle.json", key())
    assert active_credentials().source == "~/xdg/kaggle/kaggle.json"
    (home / ".kaggle").mkdir()
    assert config_folder() == home / ".kaggle"
    assert find_credentials() == []
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home / "named"))
    write(home / "named" / "kaggle.json", key("bob"))
    assert (active_credentials().username, active_credentials().source) == (
        "bob",
        "~/named/kaggle.json",
    )


def test_a_secret_is_cut_out_of_any_text() -> None:
    credentials = Credentials("token", "KAGGLE_API_TOKEN", secret=TOKEN)
    assert credentials.redact(f"Bearer {TOKEN}, twice {TOKEN}") == "Bearer ***, twice ***"
    assert Credentials("oauth", "somewhere").redact("nothing to hide") == "nothing to hide"


def test_a_path_is_told_from_the_home_folder(home: Path) -> None:
    assert display_path(home / ".kaggle" / "kaggle.json") == "~/.kaggle/kaggle.json"
    assert display_path(Path("/etc/kaggle.json")) == "/etc/kaggle.json"


def test_looking_for_credentials_imports_no_client(home: Path) -> None:
    code = (
        "import sys; from comp.kaggle.client.credentials import find_credentials; "
        "find_credentials(); print({'kaggle', 'kagglesdk', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert list(home.iterdir()) == []


@pytest.fixture
def homeless(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without HOME whom the system does not know."""
    pwd = pytest.importorskip("pwd")

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    with pytest.raises(RuntimeError):
        Path.home()


@pytest.mark.usefixtures("homeless")
def test_without_a_home_folder_only_variables_count(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (config_folder(), find_credentials()) == (None, [])
    assert display_path(home / "x") == str(home / "x")
    with pytest.raises(RefusedError, match="KAGGLE_API_TOKEN"):
        active_credentials()
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    assert [found.source for found in find_credentials()] == ["KAGGLE_USERNAME and KAGGLE_KEY"]
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert active_credentials() == Credentials("token", "KAGGLE_API_TOKEN", secret=TOKEN)
    assert warnings([Identity(active_credentials(), "works")]) == []
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    assert config_folder() == home / "kaggle"
