"""Chromium, if it is installed, and a report of a tiny run of each competition."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filelock import FileLock

from comp.config.schema import resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.location import DataSource
from comp.pipeline.run import run
from comp.review.write import write_report
from comp.runs.progress import Silent
from comp.workspace import Workspace

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
TINY: Mapping[str, Any] = {
    "folds": 2,
    "max_steps": 3,
    "validations": 1,
    "device": "cpu",
    "loader": {"batch_size": 8},
    "predict": {"tta": "none"},
    "report": {"explain": 2},
}
SMALL: Mapping[str, Mapping[str, Any]] = {
    "denoising": {
        "optim": {"name": "adamw"},
        "loader": {"batch_size": 2, "repeats": 1},
        "options": {"crop": 32},
    },
    "housing": {"gbdt": {"iterations": 20}, "max_steps": 20},
}
"""What replaces the size of the images, of competitions that have another small size."""
THIN = """() => {
  const exact = new Set(["class", "style", "fill", "role", "type", "tabindex", "for", "lang"]);
  const shape = node => {
    if (node.nodeType !== Node.ELEMENT_NODE) return node.textContent.trim() ? "words" : "";
    const attributes = [...node.attributes].map(({name, value}) =>
      name + "=" + (exact.has(name) ? value : value.trim() !== ""));
    return [node.tagName, attributes.join(), ...[...node.childNodes].map(shape)].join("|");
  };
  for (const parent of document.querySelectorAll("main *")) {
    const seen = {};
    for (const child of [...parent.children]) {
      const key = shape(child);
      seen[key] = (seen[key] || 0) + 1;
      if (seen[key] > 2) child.remove();
    }
  }
}"""
"""Of the children of an element that differ in nothing but words, numbers and pictures, such as the
cards of a gallery, leave two: axe looks at each for milliseconds, and finds the same."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window. No test of another module sees the event loop of its driver."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no browser is installed: install chromium")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield chromium
        chromium.close()


class Watched:
    """A page that reports all that a report must not do."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.faults: list[str] = []
        page.on("console", lambda m: self._add("console", f"{m.type}: {m.text}"))
        page.on("pageerror", lambda error: self._add("error", error))
        page.on("dialog", self._dismiss)
        page.on("popup", lambda other: self._add("popup", other.url))
        page.on("request", self._request)
        self.open(file)

    def open(self, file: Path) -> None:
        """Show a file in the same window."""
        self.file = file
        self.page.goto(file.as_uri())

    def _add(self, kind: str, what: object) -> None:
        self.faults.append(f"{kind} {what}")

    def _dismiss(self, dialog: Any) -> None:
        self._add("dialog", dialog.message)
        dialog.dismiss()

    def _request(self, request: Any) -> None:
        if not request.url.startswith(("data:", "blob:", self.file.as_uri())):
            self._add("request", request.url)

    def overflow(self) -> int:
        """Pixels by which the page is wider than the window."""
        script = "document.documentElement.scrollWidth - window.innerWidth"
        return int(self.page.evaluate(script))


@pytest.fixture
def grave_faults(watch: Callable[..., Watched]) -> Callable[..., dict[str, list[str]]]:
    """What axe calls serious or critical: the rules, each with the first elements that break it.

    Its arguments are a file, and the colours to look at: "light" and "dark".
    """
    axe = pytest.importorskip("axe_playwright_python.base")

    def find(file: Path, *schemes: str) -> dict[str, list[str]]:
        page = watch(file, bypass_csp=True).page  # which would keep out the script of axe
        page.evaluate(axe.AXE_SCRIPT)
        page.evaluate(THIN)
        faults: dict[str, list[str]] = {}
        for scheme in schemes or ("light",):
            page.emulate_media(color_scheme=scheme)
            for fault in page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]:
                if fault["impact"] in ("serious", "critical"):
                    elements = [node["html"][:200] for node in fault["nodes"][:3]]
                    faults[f"{fault['id']} ({scheme})"] = elements
        return faults

    return find


@pytest.fixture
def watch(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Opens a file in a new window. Further arguments are those of `Browser.new_context`."""
    contexts = []

    def open_file(file: Path, **options: Any) -> Watched:
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}} | options)
        contexts.append(context)
        return Watched(context.new_page(), file)

    yield open_file
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def tiny_report(
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
    drawn: Callable[[Competition], Path],
    pages: Path,
) -> Callable[[str], Path]:
    """Gives report.html of a tiny run of a competition, made once for all processes that run
    tests. No test may change it."""
    shared = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        shared = shared.parent

    def make(name: str) -> Path:
        competition = registry.get(name)
        root = shared / f"reported-{name}"
        layers = [competition.defaults, competition.synthetic_defaults, TINY]
        own = SMALL.get(name, {"image": {"size": 32}})
        config = resolve(name, [*layers, own], competition.options)
        done = root / "done"
        with FileLock(f"{root}.lock"):
            if not done.exists():
                data = pages if name == "denoising" else drawn(competition)
                summary = run(config, DataSource(data, True), Workspace.at(root), Silent())
                write_report(summary.run_id, Workspace.at(root))
                done.write_text(summary.run_id)
        return root / "runs" / name / done.read_text() / "report.html"

    return make
