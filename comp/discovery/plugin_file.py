"""The file of a new plugin: its name, where it goes, and whether comp can load it."""

from __future__ import annotations

import keyword
import re
import sys
from pathlib import Path

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.kaggle_name import is_address, nearest_reference
from comp.contract.plugins import NAME, load_plugins
from comp.errors import CompetitionError
from comp.files import make_folder, write_text

FOLDER = "competitions"


def plugin_path(name: str, folder: Path, force: bool = False) -> Path:
    """Return `folder`/competitions/<module>.py for the plugin of a new competition.

    Args:
        name: the name on the command line; the module has underscores for its dashes.
        force: the file may exist.

    Raises:
        CompetitionError: the name has another form, or another plugin has it.
    """
    _check_form(name)
    path = folder / FOLDER / f"{_module(name)}.py"
    if (folder / FOLDER / "__init__.py").is_file():
        raise CompetitionError(
            f"{FOLDER}/__init__.py hides the other competitions: remove it, then try again"
        )
    _check_free(name, path, force)
    if path.exists() and not force:
        raise CompetitionError(
            f"{FOLDER}/{path.name} exists: choose another name, or add --force to replace it"
        )
    return path


def write_plugin(name: str, path: Path, text: str) -> Competition:
    """Write a plugin and load it.

    Raises:
        DiskError: the file cannot be written.
        CompetitionError: the plugin cannot be used; the file stays.
    """
    make_folder(path.parent)
    write_text(path, text)
    sys.modules.pop(f"{FOLDER}.{path.stem}", None)
    return registry.get(name)


def competition_of(text: str) -> Competition:
    """The competition that a plugin of this text defines, without writing it.

    Raises:
        Exception: whatever the factory raises, such as a ValueError or a CompetitionError.
    """
    space: dict[str, object] = {"__name__": "new_plugin"}
    exec(compile(text, "<new plugin>", "exec"), space)
    competition = space["COMPETITION"]
    assert isinstance(competition, Competition)
    return competition


def _check_form(name: str) -> None:
    if is_address(name) and (reference := nearest_reference(name)):
        slug = reference.removeprefix("competitions/").removeprefix("datasets/")
        short = re.sub(r"[^a-z0-9]+", "-", slug.rpartition("/")[2].lower()).strip("-")[:64]
        raise CompetitionError(
            f"{name:.100} is an address on Kaggle: choose a name for comp, and give the address "
            f"after it: comp new {short} --kaggle {slug}"
        )
    nearest = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:64].strip("-")
    if nearest[:1].isdigit():
        nearest = f"comp-{nearest}"[:64]
    if not NAME.fullmatch(name) or name[0].isdigit():
        advice = f"write '{nearest}'" if NAME.fullmatch(nearest) else "give another"
        raise CompetitionError(
            f"the name {name!r:.80} does not fit: use lower case letters, digits and dashes, and "
            f"start with a letter, at most 64 characters; {advice}"
        )
    if keyword.iskeyword(_module(name)):
        raise CompetitionError(f"the name '{name}' is a word of Python: choose another name")


def _check_free(name: str, path: Path, force: bool) -> None:
    """Refuse a name that another plugin has; with `force`, only one of another file."""
    plugins, broken = load_plugins()
    origins = [
        (plugin.competition.title, plugin.origin)
        for plugin in plugins
        if name == plugin.competition.name or _module(name) == plugin.module.rpartition(".")[2]
    ]
    origins += [("a broken plugin", each.origin) for each in broken if name in each.names]
    for title, origin in origins:
        own = (Path.cwd() / origin).resolve() == path.resolve()
        if not own:
            raise CompetitionError(
                f"the name '{name}' is taken by {origin} ({title}): choose another name"
            )
        if not force:
            raise CompetitionError(
                f"{FOLDER}/{path.name} exists ({title}): choose another name, or add --force to "
                "replace it"
            )


def _module(name: str) -> str:
    return name.replace("-", "_")
