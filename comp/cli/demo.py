"""`comp demo`."""

from __future__ import annotations

import atexit
import gc
from pathlib import Path
from typing import Annotated, Literal

import typer

from comp.cli.options import Device, RunId, Runs
from comp.workspace import Workspace


def demo(
    run_id: RunId,
    host: Annotated[str, typer.Option(help="Address of the page.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port; the next free one if it is in use.")
    ] = 7860,
    public: Annotated[
        bool, typer.Option("--public", help="Allow an address that other machines reach.")
    ] = False,
    lang: Annotated[
        Literal["en", "ko"], typer.Option("--lang", help="Language: English or Korean.")
    ] = "en",
    runs: Runs = None,
    device: Device = None,
) -> None:
    """Try a run on your own images, on a page in the browser.

    The page shows the prediction of an image, and what the network looks at. Only this machine can
    open it, and it needs no network.
    """
    from comp.demo.serve import serve
    from comp.signals import handle_signals

    atexit.register(gc.freeze)  # else a last collection delays the exit by seconds
    with handle_signals():
        serve(
            run_id,
            Workspace.at(Path.cwd(), runs),
            typer.echo,
            host=host,
            port=port,
            public=public,
            language=lang,
            device=device,
        )
