"""Which credentials are found, in which order, and that none of them shows itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from comp.errors import RefusedError
from comp.kaggle.client.credentials import HOW, Credentials, config_folder, every, first, short

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
    assert every() == []
    with pytest.raises(RefusedError, match="no Kaggle credentials found") as caught:
        first()
    assert HOW in str(caught.value)
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
    found = every()
    assert [(one.kind, one.source, one.secret) for one in found] == [
        ("token", "KAGGLE_API_V1_TOKEN", "notebook-secret"),
        ("token", "KAGGLE_API_TOKEN", TOKEN),
        ("token", "~/.kaggle/access_token", "second-secret"),
        ("token", "~/.kaggle/access_token.txt", "third-secret"),
        ("key", "~/.kaggle/kaggle.json", "key-secret"),
        ("oauth", "~/.kaggle/credentials.json", ""),
    ]
    assert [one.username for one in found[-2:]] == ["ada", "ada"]
    assert first() == found[0]
    assert "secret" not in repr(found)


def test_the_order_is_that_of_the_sdk(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary: the SDK, asked for its own choice, takes what we list first."""
    from kagglesdk.kaggle_env import get_access_token_from_env

    write(home / ".kaggle" / "access_token.txt", "from-txt")
    assert get_access_token_from_env()[0] == first().secret == "from-txt"
    write(home / ".kaggle" / "access_token", "from-file")
    assert get_access_token_from_env()[0] == first().secret == "from-file"
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    assert get_access_token_from_env()[0] == first().secret == TOKEN


def test_the_token_variable_may_name_a_file(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", str(write(home / "token.txt", TOKEN + "\n")))
    assert first() == Credentials("token", "KAGGLE_API_TOKEN", secret=TOKEN)


@pytest.mark.parametrize("token", ["x" * 5000, "a/b\tc", "ends-with-a-dot."])
def test_a_token_need_be_no_name_of_a_file(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("KAGGLE_API_TOKEN", token)
    assert first().secret == token


def test_variables_go_before_kaggle_json_one_by_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / ".kaggle" / "kaggle.json", key())
    monkeypatch.setenv("KAGGLE_KEY", "other-secret")
    (both,) = every()
    assert (both.username, both.secret) == ("ada", "other-secret")
    assert both.source == "KAGGLE_KEY and ~/.kaggle/kaggle.json"
    monkeypatch.setenv("KAGGLE_USERNAME", "bob")
    (named,) = every()
    assert (named.username, named.secret) == ("bob", "other-secret")
    assert named.source == "KAGGLE_USERNAME and KAGGLE_KEY"


@pytest.mark.parametrize(
    "held",
    ["", "{}", "[]", "{nonsense", '"text"', {"username": "ada"}, {"key": "x", "username": ""}],
)
def test_half_a_key_or_a_damaged_file_is_none(home: Path, held: object) -> None:
    write(home / ".kaggle" / "kaggle.json", held)
    write(home / ".kaggle" / "credentials.json", held)
    assert every() == []


def test_files_that_are_no_text_are_passed_over(home: Path) -> None:
    (home / ".kaggle").mkdir()
    (home / ".kaggle" / "access_token").write_bytes(b"\xff\xfe\x00")
    (home / ".kaggle" / "kaggle.json").mkdir()
    assert every() == []


def test_kaggle_json_is_looked_for_where_kaggles_client_looks(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert config_folder() == home / ".config" / "kaggle"
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    assert config_folder() == home / "xdg" / "kaggle"
    write(home / "xdg" / "kaggle" / "kaggle.json", key())
    assert first().source == "~/xdg/kaggle/kaggle.json"
    (home / ".kaggle").mkdir()
    assert config_folder() == home / ".kaggle"
    assert every() == []
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home / "named"))
    write(home / "named" / "kaggle.json", key("bob"))
    assert (first().username, first().source) == ("bob", "~/named/kaggle.json")


def test_a_secret_is_cut_out_of_any_text() -> None:
    credentials = Credentials("token", "KAGGLE_API_TOKEN", secret=TOKEN)
    assert credentials.scrub(f"Bearer {TOKEN}, twice {TOKEN}") == "Bearer ***, twice ***"
    assert Credentials("oauth", "somewhere").scrub("nothing to hide") == "nothing to hide"


def test_a_path_is_told_from_the_home_folder(home: Path) -> None:
    assert short(home / ".kaggle" / "kaggle.json") == "~/.kaggle/kaggle.json"
    assert short(Path("/etc/kaggle.json")) == "/etc/kaggle.json"


def test_looking_for_credentials_imports_no_client(home: Path) -> None:
    code = (
        "import sys; from comp.kaggle.client.credentials import every; every(); "
        "print({'kaggle', 'kagglesdk', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    assert list(home.iterdir()) == []
