"""What is refused or said before the page is served; tests/browser/test_demo.py serves it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from comp.demo import serve as module
from comp.demo.serve import GRADIO, serve
from comp.errors import ConfigError, RunError
from comp.workspace import Workspace


@pytest.fixture
def gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradio counts as installed; it is not imported, because it leaves sockets open."""
    monkeypatch.setattr(module, "find_spec", lambda _name: True)


def test_a_public_page_is_warned_about(
    gradio: None, demo_run: tuple[str, Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, workspace = demo_run
    lines: list[str] = []
    monkeypatch.setattr(module, "served_page", _nothing)
    monkeypatch.setattr(module, "_wait", lambda: None)
    serve(run_id, workspace, lines.append, host="0.0.0.0", public=True)
    assert lines[0] == "warning: everybody who reaches this machine can use this page"


class _nothing:  # noqa: N801
    """A page that is not served."""

    def __init__(self, *_args: Any) -> None:
        pass

    def __enter__(self) -> str:
        return "http://0.0.0.0:7860"

    def __exit__(self, *_error: object) -> None:
        pass


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7"])
def test_a_public_address_is_refused_before_anything_is_loaded(
    demo_run: tuple[str, Workspace], host: str
) -> None:
    run_id, workspace = demo_run
    lines: list[str] = []
    with pytest.raises(ConfigError, match="add --public"):
        serve(run_id, workspace, lines.append, host=host)
    assert lines == []


def test_without_gradio_the_command_is_named(
    demo_run: tuple[str, Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id, workspace = demo_run
    monkeypatch.setattr(module, "find_spec", lambda _name: None)
    with pytest.raises(ConfigError, match=r'pip install "comp\[demo\]"') as caught:
        serve(run_id, workspace, print)
    assert str(caught.value) == GRADIO


def test_an_unknown_run_is_refused_at_once(gradio: None, demo_run: tuple[str, Workspace]) -> None:
    with pytest.raises(RunError):
        serve("20010101-000000", demo_run[1], print)


def test_the_users_settings_of_gradio_do_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_SHARE", "True")
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "True")
    monkeypatch.setenv("no_proxy", "example.com")
    before = dict(os.environ)
    with module._own_settings(tmp_path):
        assert "GRADIO_SHARE" not in os.environ
        assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
        assert os.environ["GRADIO_TEMP_DIR"].startswith(str(tmp_path))
        assert os.environ["no_proxy"] == "example.com,127.0.0.1,localhost,::1"
    assert dict(os.environ) == before
