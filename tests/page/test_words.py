"""Words in two languages, and that every text of the pages has a Korean one."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from comp.page.words import Say, korean, say, translate

COMP = Path(__file__).parents[2] / "comp"
ROOMS = ("page", "review", "exploration", "explanations", "demo")
IN_TEMPLATE = re.compile(r'\bsay\("((?:[^"\\]|\\.)*)"')


def literals(source: str) -> Iterator[str | None]:
    """The first argument of each call of `say`; None if it is not a literal string."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "say" and node.args:
            first = node.args[0]
            text = first.value if isinstance(first, ast.Constant) else None
            yield text if isinstance(text, str) else None


def templates() -> set[str]:
    """All literal texts of the pages, in Python and in the templates of HTML."""
    found: set[str] = set()
    for room in ROOMS:
        for path in (COMP / room).rglob("*.py"):
            found |= {text for text in literals(path.read_text(encoding="utf-8")) if text}
    for path in (COMP / "page" / "templates").glob("*.html"):
        found |= set(IN_TEMPLATE.findall(path.read_text(encoding="utf-8")))
    return found


def fields(template: str) -> set[tuple[str, str]]:
    """The fields of a template with how they are formatted."""
    parsed = string.Formatter().parse(template)
    return {(name, spec or "") for _, name, spec, _ in parsed if name is not None}


def test_words_are_filled_in_and_a_name_stays_as_it_is() -> None:
    words = say("{n:,} folds of {what}", n=1200, what=say("{a}!", a="{x}"))
    assert str(words) == "1,200 folds of {x}!"
    assert translate("ko")("fold") == "fold"  # a name, though it is also a word


def test_korean_inside_korean(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"{n} folds of {what}": "{what}의 폴드 {n}개", "data": "데이터"}
    monkeypatch.setattr("comp.page.words.korean", lambda: table)
    assert translate("ko")(say("{n} folds of {what}", n=3, what=say("data"))) == "데이터의 폴드 3개"
    assert translate("ko")(say("no translation")) == "no translation"
    assert translate("en")(say("data")) == "data"


def test_every_text_has_a_korean_one() -> None:
    missing = sorted(templates() - korean().keys())
    assert not missing, f"{len(missing)} texts have no Korean one: {missing[:10]}"


def test_no_korean_text_is_left_over() -> None:
    unused = sorted(korean().keys() - templates() - set(forwarded()))
    assert not unused, f"{len(unused)} Korean texts belong to no text: {unused[:10]}"


def forwarded() -> Iterator[str]:
    """Strings of modules that give `say` a variable, such as a table of words."""
    for room in ROOMS:
        for path in (COMP / room).rglob("*.py"):
            source = path.read_text(encoding="utf-8")
            if None in literals(source):
                yield from (
                    node.value
                    for node in ast.walk(ast.parse(source))
                    if isinstance(node, ast.Constant) and isinstance(node.value, str)
                )


def test_fields_are_kept() -> None:
    """A field that is misspelt would raise when the page is written."""
    for english, other in korean().items():
        assert fields(english) == fields(other), english


def test_korean_files_agree() -> None:
    """Several files may have a text, with one translation."""
    known: dict[str, tuple[str, str]] = {}
    for path in sorted((COMP / "page" / "korean").glob("*.toml")):
        for english, other in tomllib.loads(path.read_text(encoding="utf-8")).items():
            name, before = known.setdefault(english, (path.name, other))
            assert other == before, f"{english!r} differs in {name} and {path.name}"


def test_the_texts_are_found() -> None:
    """Else the tests above could not fail."""
    assert "How to read this" in templates()
    assert list(literals('say("a", n=1)\nsay(x)\nsay("b" "c")')) == ["a", None, "bc"]
    assert isinstance(say("a"), Say)
