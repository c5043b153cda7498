"""Which credentials for Kaggle there are, in the order in which Kaggle's own client looks for them.

Nothing here asks Kaggle, makes a folder, or shows a secret.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from comp.errors import RefusedError

HOW = (
    "make a token at https://www.kaggle.com/settings/account ('Generate New Token') and put it "
    "into the variable KAGGLE_API_TOKEN or the file ~/.kaggle/access_token; or 'Create Legacy API "
    "Key' there and put the kaggle.json into ~/.kaggle/"
)
"""How to get credentials, in words."""

Kind = Literal["token", "key", "oauth"]


@dataclass(frozen=True)
class Credentials:
    """One set of credentials; its `repr` shows no secret.

    A token stands alone, a key belongs to `username`, and with `oauth` the SDK's own reader of
    `credentials.json` is asked. `source` says where it was found: a variable, or a file with the
    home folder written as `~`.
    """

    kind: Kind
    source: str
    username: str | None = None
    secret: str = field(default="", repr=False)

    def scrub(self, text: str) -> str:
        """The text without the secret, should anyone have written it there."""
        return text.replace(self.secret, "***") if len(self.secret) > 3 else text


def first() -> Credentials:
    """The credentials that Kaggle's client would use.

    Raises:
        RefusedError: where there are none, with how to get some.
    """
    found = every()
    if not found:
        raise RefusedError(f"no Kaggle credentials found: {HOW}; 'comp login' says what is found")
    return found[0]


def every() -> list[Credentials]:
    """All credentials that there are, in the order of Kaggle's client: tokens (a notebook's own,
    `KAGGLE_API_TOKEN`, `access_token`), a user's key (variables go before `kaggle.json`), and
    OAuth's `credentials.json`."""
    return [*_tokens(os.environ), *_keys(os.environ), *_oauth()]


def config_folder() -> Path:
    """Where Kaggle's client looks for kaggle.json; the folder need not exist."""
    if named := os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(named)
    usual = Path.home() / ".kaggle"
    if sys.platform.startswith("linux") and not usual.exists():
        return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kaggle"
    return usual


def _tokens(environment: Mapping[str, str]) -> Iterator[Credentials]:
    notebook = environment.get("KAGGLE_KERNEL_RUN_TYPE") and environment.get("KAGGLE_API_V1_TOKEN")
    if notebook and (token := _text(Path(notebook))):
        yield Credentials("token", "KAGGLE_API_V1_TOKEN", secret=token)
    named = environment.get("KAGGLE_API_TOKEN", "").strip()
    if named and (token := _text(Path(named)) if _is_file(Path(named)) else named):
        yield Credentials("token", "KAGGLE_API_TOKEN", secret=token)
    for name in ("access_token", "access_token.txt"):  # these heed no KAGGLE_CONFIG_DIR
        path = Path.home() / ".kaggle" / name
        if token := _text(path):
            yield Credentials("token", short(path), secret=token)


def _keys(environment: Mapping[str, str]) -> Iterator[Credentials]:
    path = config_folder() / "kaggle.json"
    held = _json(path)
    named = {name: environment.get(f"KAGGLE_{name.upper()}") for name in ("username", "key")}
    username, key = named["username"] or held.get("username"), named["key"] or held.get("key")
    if username and key:
        variables = [f"KAGGLE_{name.upper()}" for name, value in named.items() if value]
        source = " and ".join(variables + [short(path)] * (len(variables) < 2))
        yield Credentials("key", source, str(username), str(key))


def _oauth() -> Iterator[Credentials]:
    path = Path.home() / ".kaggle" / "credentials.json"
    held = _json(path)
    if held.get("refresh_token"):
        name = held.get("username")
        yield Credentials("oauth", short(path), str(name) if name else None)


def short(path: Path) -> str:
    """A path with the home folder as `~`."""
    home = Path.home()
    return f"~/{path.relative_to(home).as_posix()}" if path.is_relative_to(home) else str(path)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a token need be no path
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _json(path: Path) -> Mapping[str, Any]:
    try:
        held = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return held if isinstance(held, dict) else {}
