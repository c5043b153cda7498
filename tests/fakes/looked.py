"""A first look at data, with its page."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from comp.contract.competition import Competition
from comp.exploration.call import Choices, look
from comp.exploration.exploration import Exploration
from comp.pipeline.request import RunRequest
from comp.runs.progress import Silent
from comp.workspace import Workspace


def looked_at(
    competition: Competition,
    data: Path,
    folder: Path,
    keys: dict[str, Any] | None = None,
    **of: Any,
) -> tuple[Exploration, Path]:
    """What `comp explore` finds in data, and its page; `of` are fields of `Choices`."""
    request = RunRequest(
        competition=competition,
        workspace=Workspace.at(folder),
        keys={"device": "cpu", "loader": {"workers": 0}} | (keys or {}),
        data=data,
    )
    return look(request, Choices(**of), Silent())


@dataclass
class Seen(HTMLParser):
    """What a browser would see of a page: tags, attributes, and text outside of scripts."""

    tags: list[str] = field(default_factory=list)
    attributes: list[tuple[str, str, str]] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag with its attributes."""
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        """Note text."""
        if self.tags[-1:] != ["script"]:
            self.text += data

    @property
    def panels(self) -> list[str]:
        """The ids of the panels."""
        return [value for tag, name, value in self.attributes if (tag, name) == ("section", "id")]

    @property
    def pictures(self) -> int:
        """How many pictures there are."""
        return self.tags.count("img")


def seen(path: Path) -> Seen:
    """The content of a page."""
    parser = Seen()
    parser.feed(path.read_text(encoding="utf-8"))
    return parser
