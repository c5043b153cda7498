"""The text of a notebook."""

from __future__ import annotations

import ast

import pytest

from comp.errors import RunError
from comp.notebook.launcher import launcher_text

ID, RUN, TAG = "a" * 64, "20260101-000000-aaaaaa", "comp:0123456789ab"


def test_the_text_is_a_short_program_with_its_ids() -> None:
    text = launcher_text(manifest_id=ID, run_id=RUN, tag=TAG)
    values = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
    }
    assert (values["MANIFEST"], values["TAG"]) == (ID, TAG)
    assert f"the bundle of run {RUN}" in text
    assert len(text.splitlines()) < 80
    assert "comp" not in [
        name.name.split(".")[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import)
        for name in node.names
    ]


@pytest.mark.parametrize("value", ['a" + open("/etc/passwd").read() + "', "", "a b", "a\n"])
def test_only_ids_get_into_the_text(value: str) -> None:
    with pytest.raises(RunError, match="is not an id"):
        launcher_text(manifest_id=value, run_id=RUN, tag=TAG)
