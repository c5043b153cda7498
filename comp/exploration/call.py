"""`comp.explore`, the call in Python, and what it shares with the command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comp.contract import registry
from comp.errors import ConfigError
from comp.pipeline.ranked_call import in_rank_0
from comp.pipeline.request import RunRequest, config_keys, user_keys
from comp.report.libraries import quiet_libraries
from comp.signals import handle_signals
from comp.workspace import Workspace

if TYPE_CHECKING:
    from comp.exploration.exploration import Exploration
    from comp.page.words import Language
    from comp.runs.progress import Reporter

PathLike = str | os.PathLike[str]
SUFFIXES = (".html", ".htm")


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a user chooses: the number of clusters, the id of a sample whose neighbours are shown,
    the file of the page, and its language."""

    clusters: int | None = None
    neighbours: str | None = None
    out: Path | None = None
    language: Language = "en"

    def check(self) -> None:
        """Check them before any data is read.

        Raises:
            ConfigError: one of them cannot be.
        """
        if self.clusters is not None and (
            type(self.clusters) is not int or not 2 <= self.clusters <= 100
        ):
            raise ConfigError(f"{self.clusters} clusters: give a whole number from 2 to 100")
        if self.language not in ("en", "ko"):
            raise ConfigError(f"the language '{self.language}' is not known: use en or ko")
        if self.out is not None and self.out.suffix not in SUFFIXES:
            raise ConfigError(f"{self.out.name} is not an .html file: give another name")


def look(request: RunRequest, choices: Choices, reporter: Reporter) -> tuple[Exploration, Path]:
    """Look at the data of a request, and write the page; returns what was found, and the file.

    Raises:
        CompError: the data or the configuration is wrong, or the page cannot be written.
    """
    request.check()

    from comp.exploration.explore import explore
    from comp.exploration.page import write_exploration
    from comp.exploration.pictures import open_pictures
    from comp.exploration.subjects import read_subjects

    source, config = request.load()
    subjects = read_subjects(request.competition, source.root)
    path = choices.out or default_page(request)
    with open_pictures(request.competition, config, subjects.samples) as pictures:
        found = explore(request, source, config, subjects, pictures, choices, reporter)
        write_exploration(found, subjects, pictures, path, choices.language, reporter)
    return found, path


def default_page(request: RunRequest) -> Path:
    """The file of the page if the user names none."""
    return request.workspace.out / "explorations" / f"{request.competition.name}.html"


@in_rank_0
def explore(
    competition: str,
    *,
    data: PathLike | None = None,
    synthetic: bool = False,
    config: PathLike | Mapping[str, Any] | None = None,
    set: Mapping[str, Any] | None = None,
    weights: PathLike | None = None,
    pretrained: bool | None = None,
    device: str | None = None,
    clusters: int | None = None,
    neighbours: str | None = None,
    page: PathLike | None = None,
    language: Language = "en",
    out: PathLike | None = None,
    quiet: bool = False,
) -> Exploration:
    """Look at data before any training, and write a page, as `comp explore` does.

    The result has what the page shows: `copies`, `clusters`, `columns` and more; `values()` returns
    all of it in values of JSON.

    Args:
        data: folder or zip file; if None `data/<competition>`, or synthetic data without that.
        clusters: number of clusters of K-means; 2 and 8 if None.
        neighbours: id of a sample whose nearest neighbours are found.
        page: the HTML file; if None `explorations/<competition>.html` in `out`.
        language: of the page, "en" or "ko".
        out: folder of the page and of the caches; the current folder if None.
        quiet: print nothing.

    Raises:
        CompError: wrong data, no such sample, or weights that cannot be used.
    """
    choices = Choices(clusters=clusters, neighbours=neighbours, out=_path(page), language=language)
    choices.check()
    keys = config_keys(config if isinstance(config, Mapping) else _path(config), set)
    keys = user_keys(keys, weights=_path(weights), pretrained=pretrained, device=device)
    workspace = Workspace.at(Path.cwd(), Path(out).expanduser().absolute() if out else None)
    request = RunRequest(
        competition=registry.get(competition),
        workspace=workspace,
        keys=keys,
        data=_path(data),
        synthetic=synthetic,
    )
    quiet_libraries()
    from comp.report.terminal import TerminalReporter
    from comp.runs.progress import Silent

    with handle_signals():
        if quiet:
            return look(request, choices, Silent())[0]
        with TerminalReporter(request.competition.metric) as reporter:
            found, path = look(request, choices, reporter)
            reporter.note(f"page  {path}")
            return found


def _path(path: PathLike | None) -> Path | None:
    return None if path is None else Path(path).expanduser()
