"""`comp explore`: a page, a summary, and JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from comp.cli.app import build_app
from comp.errors import ConfigError


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "160")


def explore(*words: str) -> Any:
    return CliRunner().invoke(build_app("explore"), ["explore", *words])


def test_a_page_and_a_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr("webbrowser.open", lambda uri: bool(opened.append(uri)) or True)
    words = ["cats-dogs", "--sample", "--clusters", "2", "--neighbours", "train0004", "--open"]
    done = explore(*words, "--lang", "ko")
    assert done.exit_code == 0, done.output
    assert "60 training and 20 test samples of cats-dogs" in done.stdout
    assert "2 clusters: silhouette 0." in done.stdout
    assert "The largest class alone has 0.500" in done.stdout
    assert "no embeddings: the weights of test_resnet are random" in done.stdout
    assert "most like train0004" in done.stdout
    (page,) = Path("explorations").iterdir()
    assert opened == [page.absolute().as_uri()]
    text = page.read_text(encoding="utf-8")
    assert '<html lang="ko">' in text
    assert "데이터 첫 살펴보기" in text


def test_json_is_one_line_and_nothing_else() -> None:
    done = explore("housing", "--sample", "--out", "page.html", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["page"] == "page.html"
    assert Path("page.html").is_file()
    assert found["clusters"]["by"] == "columns"
    assert found["synthetic"] is True
    assert found["looks"] is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--clusters", "1"], "1 clusters: give a whole number from 2 to 100"),
        (["--out", "page.pdf"], r"page\.pdf is not an \.html file"),
        (["--weights", "w.pth", "--no-pretrained"], "exclude each other"),
    ],
)
def test_mistakes_are_refused_before_any_data(words: list[str], message: str) -> None:
    done = explore("cats-dogs", *words)
    assert isinstance(done.exception, ConfigError)
    with pytest.raises(ConfigError, match=message):
        raise done.exception
    assert not Path("data").exists()
