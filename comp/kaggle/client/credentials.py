"""The Kaggle credentials on this machine, in the order of Kaggle's own client.

Nothing here sends a request, makes a folder, or shows a secret.
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

HOW_TO_GET_CREDENTIALS = (
    "make a token at https://www.kaggle.com/settings/account ('Generate New Token') and put it "
    "into the variable KAGGLE_API_TOKEN or the file ~/.kaggle/access_token; or 'Create Legacy API "
    "Key' there and put the kaggle.json into ~/.kaggle/"
)

Kind = Literal["token", "key", "oauth"]


@dataclass(frozen=True)
class Credentials:
    """One set of credentials; its `repr` shows no secret.

    `username` belongs to a key. For "oauth" the SDK reads `credentials.json` itself. `source` is
    the variable or the file, with the home folder written as `~`.
    """

    kind: Kind
    source: str
    username: str | None = None
    secret: str = field(default="", repr=False)

    def redact(self, text: str) -> str:
        """`text` with the secret replaced by `***`."""
        return text.replace(self.secret, "***") if len(self.secret) > 3 else text


def active_credentials() -> Credentials:
    """The credentials that Kaggle's own client would use.

    Raises:
        RefusedError: there are none; the message says how to get some.
    """
    found = find_credentials()
    if not found:
        raise RefusedError(
            f"no Kaggle credentials found: {HOW_TO_GET_CREDENTIALS}; 'comp login' checks them"
        )
    return found[0]


def find_credentials() -> list[Credentials]:
    """All credentials in the order of Kaggle's client: tokens (of a Kaggle notebook,
    `KAGGLE_API_TOKEN`, `access_token`), a user's key (variables before `kaggle.json`), and the
    `credentials.json` of OAuth."""
    return [*_tokens(os.environ), *_keys(os.environ), *_oauth()]


def config_folder() -> Path | None:
    """The folder of kaggle.json, which need not exist; None for a user without a home folder."""
    if named := os.environ.get("KAGGLE_CONFIG_DIR"):
        return Path(named)
    home = _home()
    if home and (not sys.platform.startswith("linux") or (home / ".kaggle").exists()):
        return home / ".kaggle"
    if xdg := os.environ.get("XDG_CONFIG_HOME"):
        return Path(xdg) / "kaggle"
    return home / ".config" / "kaggle" if home else None


def home_files(*names: str) -> list[Path]:
    """The paths of files in `~/.kaggle`; none for a user without a home folder."""
    home = _home()
    return [home / ".kaggle" / name for name in names] if home else []


def display_path(path: Path) -> str:
    """A path with the home folder written as `~`."""
    home = _home()
    if home and path.is_relative_to(home):
        return f"~/{path.relative_to(home).as_posix()}"
    return str(path)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # HOME is not set and the system does not know the user
        return None


def _tokens(environment: Mapping[str, str]) -> Iterator[Credentials]:
    notebook = environment.get("KAGGLE_KERNEL_RUN_TYPE") and environment.get("KAGGLE_API_V1_TOKEN")
    if notebook and (token := _text(Path(notebook))):
        yield Credentials("token", "KAGGLE_API_V1_TOKEN", secret=token)
    value = environment.get("KAGGLE_API_TOKEN", "").strip()
    if value and (token := _text(Path(value)) if _is_file(Path(value)) else value):
        yield Credentials("token", "KAGGLE_API_TOKEN", secret=token)
    # KAGGLE_CONFIG_DIR does not apply to these files
    for path in home_files("access_token", "access_token.txt"):
        if token := _text(path):
            yield Credentials("token", display_path(path), secret=token)


def _keys(environment: Mapping[str, str]) -> Iterator[Credentials]:
    folder = config_folder()
    path = folder / "kaggle.json" if folder else None
    content = _json(path) if path else {}
    variables = {name: environment.get(f"KAGGLE_{name.upper()}") for name in ("username", "key")}
    username = variables["username"] or content.get("username")
    key = variables["key"] or content.get("key")
    if username and key:
        sources = [f"KAGGLE_{name.upper()}" for name, value in variables.items() if value]
        if path and len(sources) < 2:
            sources.append(display_path(path))
        yield Credentials("key", " and ".join(sources), str(username), str(key))


def _oauth() -> Iterator[Credentials]:
    for path in home_files("credentials.json"):
        content = _json(path)
        if content.get("refresh_token"):
            name = content.get("username")
            yield Credentials("oauth", display_path(path), str(name) if name else None)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a token need not be a valid path
        return False


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return ""


def _json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(_text(path) or "{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}
