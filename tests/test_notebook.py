"""comp in a real Jupyter kernel: run, interrupt, resume, predict."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

SETUP = """
import signal
import comp
settings = {
    "device": "cpu",
    "fold": 0,
    "config": {
        "folds": 2,
        "validations": 1,
        "loader": {"batch_size": 2},
        "predict": {"tta": "none"},
        "options": {"crop": 32, "background": "off"},
    },
}
handlers = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
"""
TIMEOUT_S = 600.0


@dataclass
class Cell:
    """What an executed cell shows."""

    text: str = ""
    """The streams and the text of the result."""
    bars: list[str] = field(default_factory=list)
    """Each drawing of a live bar."""
    html: str = ""
    """The HTML of the result."""
    error: str = ""


@dataclass(frozen=True)
class Kernel:
    """A kernel that executes cells one after the other."""

    manager: KernelManager
    client: BlockingKernelClient

    def execute(self, code: str, interrupt_at: str | None = None) -> Cell:
        """Execute a cell. The kernel is interrupted when a bar first shows `interrupt_at`."""
        cell, interrupted = Cell(), []

        def collect(message: dict[str, Any]) -> None:
            content = message["content"]
            kind = message["msg_type"]
            if kind == "stream":
                cell.text += content["text"]
            elif kind in ("display_data", "update_display_data"):
                cell.bars.append(content["data"]["text/plain"])
            elif kind == "execute_result":
                cell.text += content["data"]["text/plain"]
                cell.html += content["data"].get("text/html", "")
            elif kind == "error":
                cell.error = f"{content['ename']}: {content['evalue']}"
            if interrupt_at and not interrupted and cell.bars and interrupt_at in cell.bars[-1]:
                interrupted.append(True)
                self.manager.interrupt_kernel()

        self.client.execute_interactive(code, timeout=TIMEOUT_S, output_hook=collect)
        return cell


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("notebook")
    manager = KernelManager(kernel_name="python3", connection_file=str(folder / "connection.json"))
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("KAGGLE_", "JPY_"))}
    manager.start_kernel(cwd=str(folder), env=environment | {"IPYTHONDIR": str(folder / "ipython")})
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=TIMEOUT_S)
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


def test_a_notebook_runs_is_interrupted_resumes_and_predicts(kernel: Kernel, pages: Path) -> None:
    started = kernel.execute(f"{SETUP}settings['data'] = {str(pages)!r}\ncomp.__all__")
    assert started.error == ""
    assert "'run'" in started.text

    stopped = kernel.execute("comp.run('denoising', max_steps=12, **settings)", "step ")
    found = re.fullmatch(
        r"Stopped: stopped by SIGINT: the run is saved; "
        r"continue it with comp\.resume\('([-\w]+)'\)",
        stopped.error,
    )
    assert found, (stopped.error, stopped.text)
    run_id = found[1]
    assert any(re.search(r"fold 0 .*step \d+/12", bar) for bar in stopped.bars)
    assert stopped.bars[-1] == ""
    assert "Warning" not in stopped.text
    assert stopped.text.count(f"run {run_id} of denoising") == 1

    alive = kernel.execute(
        "handlers == (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM))"
    )
    assert (alive.text, alive.error) == ("True", "")
    state = kernel.execute(
        f"saved = comp.load_run('{run_id}')\n"
        "saved.state, (saved.folder / 'fold-0' / 'resume.pt').is_file()"
    )
    assert (state.text, state.error) == ("('interrupted', True)", "")

    resumed = kernel.execute(f"r = comp.resume('{run_id}')\nr")
    assert resumed.error == ""
    assert resumed.text.count("out of fold") == 1
    assert resumed.text.count("fold 0: RMSE") == 1
    assert f"<run {run_id}, competition denoising, state finished" in resumed.text
    assert f"<td>{run_id}</td>" in resumed.html

    predicted = kernel.execute("p = comp.predict(r)\np.samples, p.submission == r.submission")
    assert (predicted.error, predicted.text.splitlines()[-1]) == ("", "(2, False)")
    assert "2 samples predicted with 1 folds" in predicted.text


def test_a_mistake_is_an_exception_and_the_kernel_answers(kernel: Kernel) -> None:
    mistake = kernel.execute("import comp\ncomp.run('denoisng')")
    assert mistake.error.startswith("CompetitionError: unknown competition 'denoisng'")
    assert kernel.execute("1 + 1").text == "2"


def test_a_kernel_has_no_signal_to_ignore(kernel: Kernel) -> None:
    """An interrupt outside of comp is still Python's own."""
    cell = kernel.execute(
        "from IPython.display import display\nimport time\n"
        "display({'text/plain': 'sleeping'}, raw=True)\ntime.sleep(60)",
        "sleeping",
    )
    assert cell.error.startswith("KeyboardInterrupt")
