"""What `comp download` is asked for: what of Kaggle's, and where to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from comp.contract import registry
from comp.errors import CompetitionError, ConfigError
from comp.kaggle.client.reference import Reference
from comp.workspace import Workspace


@dataclass(frozen=True, kw_only=True)
class DownloadRequest:
    """What is wanted: all files of a reference, or one `file` of it, in the folder `place`.

    With `force` it is fetched anew, and files of the same names are replaced; with `keep_zip` the
    zip stays beside the place.
    """

    name: str
    reference: Reference
    place: Path
    file: str | None = None
    force: bool = False
    keep_zip: bool = False

    @property
    def doing(self) -> str:
        """What is being done, for messages."""
        return f"downloading {f'{self.file} of ' if self.file else ''}{self.name}"

    @property
    def zip(self) -> Path | None:
        """Where the zip is kept, None where it is not."""
        return self.place.with_name(f"{self.place.name}.zip") if self.keep_zip else None


def download_request(
    name: str,
    workspace: Workspace,
    out: Path | None = None,
    file: str | None = None,
    force: bool = False,
    keep_zip: bool = False,
) -> DownloadRequest:
    """Make out what a name and the options mean; asks nobody.

    Args:
        name: a competition of comp, or `competitions/<slug>`, or `<owner>/<slug>`.
        out: the folder for the files, `data/<name>` unless given.

    Raises:
        CompetitionError: a name that stands for nothing.
        ConfigError: a file name that leads outside, or options that exclude each other.
    """
    if file is not None:
        path = PurePosixPath(file)
        if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in file:
            raise ConfigError(f"--file {file}: name a file as the competition's data page does")
        if keep_zip:
            raise ConfigError(f"--keep-zip is for all files: leave it out with --file {file}")
    called, reference = _find(name)
    ours = registry.competitions().get(called)
    if ours and ours.kaggle != str(reference) and not out:
        raise CompetitionError(
            f"{reference} would go where the data of '{called}' ({ours.kaggle}) belongs: name a "
            "folder with --out"
        )
    place = (out or workspace.data(called)).absolute().resolve()
    return DownloadRequest(
        name=called,
        reference=reference,
        place=place,
        file=file,
        force=force,
        keep_zip=keep_zip,
    )


def _find(name: str) -> tuple[str, Reference]:
    """The name of a folder, and what of Kaggle's belongs there."""
    known = registry.competitions()
    if name in known:
        return name, Reference.parse(known[name].kaggle)
    for competition in known.values():
        if competition.kaggle in (name, f"competitions/{name}", f"datasets/{name}"):
            return competition.name, Reference.parse(competition.kaggle)
    if "/" in name:
        reference = Reference.parse(name)
        return reference.name, reference
    try:
        registry.get(name)
    except CompetitionError as error:
        raise CompetitionError(
            f"{error}; what has no plugin is written competitions/{name}, or <owner>/{name} for a "
            "data set"
        ) from None
    raise AssertionError("unreachable")
