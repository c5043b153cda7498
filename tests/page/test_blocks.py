"""Links of tables lead nowhere else than to files below the page."""

from __future__ import annotations

import pytest

from comp.page.blocks import Link, not_here
from comp.page.words import say


@pytest.mark.parametrize("path", ["", "/etc/passwd", "//host/x", "\\\\host\\x", "a/../../b", ".."])
def test_a_path_that_leaves_the_folder_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="not below"):
        Link("x", path)


@pytest.mark.parametrize(
    ("path", "href"),
    [
        ("cats-dogs/1/report.html", "cats-dogs/1/report.html"),
        ("javascript:alert(1)", "javascript%3Aalert%281%29"),
        ("https://host/x", "https%3A//host/x"),
        ('a"onclick=b', "a%22onclick%3Db"),
        ("폴더/x", "%ED%8F%B4%EB%8D%94/x"),
        ("\udcff", "%FF"),
    ],
)
def test_an_address_has_no_scheme_and_no_markup(path: str, href: str) -> None:
    assert Link("x", path).href == href


def test_a_block_that_is_not_here_says_why() -> None:
    assert str(not_here(say("no image")).text) == "Not shown: no image"
