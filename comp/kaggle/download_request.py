"""What a download requests: a competition or a data set by its name, all files or some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.kaggle_name import given_reference
from comp.errors import CompetitionError, ConfigError
from comp.kaggle.client.reference import Reference
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class DownloadRequest:
    """All files of a reference, or one `file` of it, for the folder `place`; or, one by one, the
    `files` of these names and those that match the patterns `only`.

    With `force` the files are downloaded again and existing files of the same names replaced; with
    `keep_zip` the zip file is kept next to the folder. `command` is the command of the user without
    the options that choose files.
    """

    name: str
    reference: Reference
    place: Path
    file: str | None = None
    files: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    force: bool = False
    keep_zip: bool = False
    command: str = ""

    @property
    def competition(self) -> Competition | None:
        """The registered competition whose data this is."""
        found = registry.competitions().get(self.name)
        return found if found and found.kaggle == str(self.reference) else None

    @property
    def action(self) -> str:
        """What the download does, for messages."""
        return f"downloading {f'{self.file} of ' if self.file else ''}{self.name}"

    @property
    def zip(self) -> Path | None:
        """The path of the zip file, None if it is not kept."""
        return self.place.with_name(f"{self.place.name}.zip") if self.keep_zip else None


def download_request(
    name: str,
    workspace: Workspace,
    out: Path | None = None,
    file: str | None = None,
    force: bool = False,
    keep_zip: bool = False,
    *,
    files: Sequence[str] = (),
    only: Sequence[str] = (),
) -> DownloadRequest:
    """Build the request for a name and options; uses no network.

    Args:
        name: a registered competition, or `competitions/<slug>`, or `<owner>/<slug>`, or an address
            of kaggle.com.
        out: the folder for the files, by default `data/<name>`.

    Raises:
        CompetitionError: unknown name.
        ConfigError: a file name outside the data, or options that exclude each other.
    """
    for each in (*files, *([] if file is None else [file])):
        _check_file(each)
    if keep_zip and (file is not None or files or only):
        option = "--only" if only else f"--file {file or files[0]}"
        raise ConfigError(f"--keep-zip is for all files: leave it out with {option}")
    folder_name, reference = _resolve(name)
    competition = registry.competitions().get(folder_name)
    if competition and competition.kaggle != str(reference) and not out:
        raise CompetitionError(
            f"{reference} would overwrite the data of '{folder_name}' ({competition.kaggle}): give "
            "a folder with --out"
        )
    return DownloadRequest(
        name=folder_name,
        reference=reference,
        place=(out or workspace.data(folder_name)).absolute().resolve(),
        file=file,
        files=tuple(files),
        only=tuple(only),
        force=force,
        keep_zip=keep_zip,
        command=f"comp download {name}" + (f" --out {out}" if out else ""),
    )


def _check_file(file: str) -> None:
    path = PurePosixPath(file)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in file:
        raise ConfigError(f"--file {file}: give a file name as on the competition's data page")


def _resolve(name: str) -> tuple[str, Reference]:
    """The name of the data folder and the reference for a name on the command line."""
    competitions = registry.competitions()
    if name in competitions:
        return name, Reference.parse(competitions[name].kaggle)
    given = given_reference(name)
    for competition in competitions.values():
        if competition.kaggle in (given, f"competitions/{name}", f"datasets/{name}"):
            return competition.name, Reference.parse(competition.kaggle)
    if "/" in name:
        reference = Reference.parse(name)
        return reference.name, reference
    try:
        registry.get(name)
    except CompetitionError as error:
        raise CompetitionError(
            f"{error}; without a plugin, write competitions/{name}, or <owner>/{name} for a data "
            "set"
        ) from None
    raise AssertionError("unreachable")
