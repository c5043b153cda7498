"""Serves the page until Ctrl-C, without any other use of the network."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from comp.demo.address import check_host, free_port, is_local
from comp.errors import ConfigError, NetworkError
from comp.page.words import Language
from comp.signals import Stopped, stop_if_requested
from comp.workspace import Workspace

HOST, PORT = "127.0.0.1", 7860
GRADIO = 'comp demo needs another library: pip install "comp[demo]" (or pip install gradio)'
OnLine = Callable[[str], None]


def serve(
    run_id: str,
    workspace: Workspace,
    on_line: OnLine,
    *,
    host: str = HOST,
    port: int = PORT,
    public: bool = False,
    language: Language = "en",
    device: str | None = None,
) -> None:
    """Show the page of a run until a signal comes.

    Args:
        on_line: shows a line of text.

    Raises:
        ConfigError: Gradio is not installed, or the address or the port cannot be used.
        RunError: no such run, or one that predicts no images.
    """
    address = check_host(host, public)
    if find_spec("gradio") is None:
        raise ConfigError(GRADIO)
    workspace.find_run(run_id)
    with TemporaryDirectory(prefix="comp-demo-") as folder, _own_settings(Path(folder)):
        with served_page(
            run_id, workspace, Path(folder), on_line, address, port, language, device
        ) as url:
            if not is_local(address):
                on_line("warning: everybody who reaches this machine can use this page")
            on_line(f"{url} (Ctrl-C ends it)")
            _wait()
        on_line("ended")


def _wait() -> None:
    try:
        while True:
            stop_if_requested()
            time.sleep(0.2)
    except Stopped:
        return


@contextmanager
def served_page(
    run_id: str,
    workspace: Workspace,
    folder: Path,
    on_line: OnLine,
    address: str = HOST,
    port: int = PORT,
    language: Language = "en",
    device: str | None = None,
) -> Iterator[str]:
    """Serve the page inside the block; yields its address.

    Args:
        folder: for temporary files.
    """
    from comp.demo.session import Session

    on_line("loading the run")
    session = Session.open(run_id, workspace, folder / "images", device)
    on_line("starting the page")
    from comp.demo.page import STYLE, make_page

    page = make_page(session, language)
    found = free_port(address, port)
    if found != port:
        on_line(f"port {port} is in use: using {found}")
    _launch(page, address, found, STYLE)
    try:
        yield f"http://{_in_url(address)}:{found}"
    finally:
        page.close(verbose=False)


def _launch(page: Any, address: str, port: int, style: str) -> None:
    """Start the server in a thread of its own, without what would leave this machine."""
    import gradio as gr

    from comp.demo.upload import MAX_BYTES

    try:
        page.queue(default_concurrency_limit=1).launch(
            server_name=_in_url(address),
            server_port=port,
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            inbrowser=False,
            show_error=False,
            footer_links=[],
            run_history=False,
            max_file_size=MAX_BYTES,
            enable_monitoring=False,
            mcp_server=False,
            pwa=False,
            ssr_mode=False,
            theme=_theme(gr),
            css=style,
        )
    except (OSError, ValueError) as error:
        raise NetworkError(f"the page cannot start at {address}:{port}: {error}") from None


def _theme(gr: Any) -> Any:
    """Gradio's own theme with the fonts of the system: no font is fetched."""
    system = ["system-ui", "-apple-system", "Segoe UI", "Noto Sans", "sans-serif"]
    return gr.themes.Default(font=system, font_mono=["ui-monospace", "monospace"])


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@contextmanager
def _own_settings(folder: Path) -> Iterator[None]:
    """Variables of the environment inside the block: Gradio reports nothing, keeps its files in
    `folder`, and reaches its own server without a proxy; those of the user for Gradio do not
    count."""
    before = dict(os.environ)
    for name in before:
        if name.startswith("GRADIO_"):
            del os.environ[name]
    local = "127.0.0.1,localhost,::1"
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = f"{before[name]},{local}" if before.get(name) else local
    os.environ |= {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(folder / "gradio"),
        "GRADIO_EXAMPLES_CACHE": str(folder / "examples"),
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(folder / "matplotlib")),
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
