"""`comp.explore` from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import comp
from comp.errors import ConfigError
from comp.exploration.call import Choices


def test_it_prints_where_the_page_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = comp.explore("housing", synthetic=True, clusters=3, out="here")
    page = tmp_path / "here" / "explorations" / "housing.html"
    assert page.is_file()
    assert str(page) in capsys.readouterr().out
    assert found.clusters is not None
    assert [clustering.k for clustering in found.clusters.shown] == [3]
    assert found.columns is not None
    assert found.columns.target == "median_house_value"


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        (Choices(clusters=101), "101 clusters"),
        (Choices(clusters=2.5), "2.5 clusters: give a whole number"),  # type: ignore[arg-type]
        (Choices(language="de"), "the language 'de' is not known: use en or ko"),  # type: ignore[arg-type]
        (Choices(out=Path("a.txt")), "is not an .html file"),
    ],
)
def test_choices_are_checked(choices: Choices, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        choices.check()
