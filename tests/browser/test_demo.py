"""The page of `comp demo`, served by the command: nothing leaves 127.0.0.1, and nothing stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import demo_runs
import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytest.importorskip("gradio", reason="gradio is not installed")

WATCHED = """
import socket, sys
from pathlib import Path
local = ("127.0.0.1", "::1", "localhost", "0.0.0.0", None)
connect, resolve = socket.socket.connect, socket.getaddrinfo
def note(where):
    with Path(sys.argv[1]).open("a") as file: print(where, file=file)
    raise OSError("no network in this test")
def watched(self, address):
    if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in local: note(address)
    return connect(self, address)
def looked_up(host, *args, **more):
    if host not in local: note(host)
    return resolve(host, *args, **more)
socket.socket.connect, socket.getaddrinfo = watched, looked_up
from comp.cli import main
sys.argv = ["comp", *sys.argv[2:]]
main()
"""
"""`comp`, which writes the addresses of other machines that it wants to a file."""


@dataclass(frozen=True)
class Served:
    """A process of `comp demo`."""

    process: subprocess.Popen[str]
    folder: Path
    url: str
    image: Path
    files: list[Path]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("demo")
    run_id, workspace = demo_runs.cats_and_dogs(folder / "work")
    (folder / "temporary").mkdir()
    (folder / "elsewhere").touch()
    files = sorted((folder / "work").rglob("*"))
    settings = {
        "TMPDIR": str(folder / "temporary"),
        "OMP_NUM_THREADS": "1",
        "http_proxy": "http://127.0.0.1:1",  # the page is not behind it
        "GRADIO_SHARE": "True",
        "GRADIO_ANALYTICS_ENABLED": "True",
    }
    command = ["demo", run_id, "--device", "cpu", "--port", "7861"]
    with subprocess.Popen(
        [sys.executable, "-c", WATCHED, str(folder / "elsewhere"), *command],
        cwd=workspace.root,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            said = []
            for line in process.stdout:
                said.append(line)
                if line.startswith("http"):
                    break
            assert said[-1].startswith("http://127.0.0.1:"), "".join(said)
            image = next(path for path in files if "/test/" in path.as_posix() and path.is_file())
            yield Served(process, folder, said[-1].split()[0], image, files)
        finally:
            process.kill()


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """Its pages keep the scripts of the page before."""
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext, served: Served) -> Iterator[Page]:
    opened = window.new_page()
    opened.goto(served.url)
    opened.wait_for_selector("input[type=file]", state="attached")
    yield opened
    opened.close()


def test_a_dropped_image_is_answered_without_other_hosts(
    window: BrowserContext, served: Served
) -> None:
    hosts: set[str | None] = set()
    errors: list[str] = []
    page = window.new_page()
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(served.url)
    page.wait_for_selector("input[type=file]", state="attached")
    page.set_input_files("input[type=file]", served.image)
    page.get_by_text("decision: ").wait_for()
    page.get_by_text("Grad-CAM: bright parts speak for").wait_for()
    assert page.get_by_text("accuracy out of fold").count() == 1
    page.close()
    assert hosts - {None} == {"127.0.0.1"}  # None: data in the page
    assert errors == []


def test_an_example_is_answered(page: Page) -> None:
    page.locator(".grid-container button").first.click()
    page.get_by_text("decision: ").wait_for()


def test_a_file_that_is_no_image_gets_one_line(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    page.set_input_files("input[type=file]", tmp_path / "notes.txt")
    page.get_by_text("notes.txt is not an image: drop a PNG").wait_for()


def test_a_file_of_a_hundred_megabytes_gets_one_line(page: Page, tmp_path: Path) -> None:
    with (tmp_path / "large.png").open("wb") as stream:
        stream.truncate(100_000_000)
    page.set_input_files("input[type=file]", tmp_path / "large.png")
    page.get_by_text("exceed the maximum allowed size").wait_for()


def fetched(url: str) -> str:
    """What an address answers, without a proxy."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(url, timeout=120) as answer:
        text: str = answer.read().decode()
    return text


def test_the_settings_of_the_page_are_comps_own(served: Served) -> None:
    config: dict[str, Any] = json.loads(fetched(f"{served.url}/config"))
    assert config["analytics_enabled"] is False
    assert not any(each["api_visibility"] == "public" for each in config["dependencies"])
    assert "fonts.googleapis" not in fetched(served.url)


def test_ctrl_c_ends_it_and_nothing_is_left(served: Served) -> None:
    fetched(served.url)
    temporary = served.folder / "temporary"
    assert len(list(temporary.glob("comp-demo-*"))) == 1
    served.process.send_signal(signal.SIGINT)
    said, _ = served.process.communicate(timeout=120)
    assert (said, served.process.returncode) == ("ended\n", 0)
    assert [path for path in temporary.rglob("*") if "wandb" not in path.name] == []
    new = set((served.folder / "work").rglob("*")) - set(served.files)
    assert {path for path in new if ".digests" not in path.parts} == set()
    assert (served.folder / "elsewhere").read_text() == ""
