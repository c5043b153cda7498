from dataclasses import replace

from comp.bundle.kaggle_time import estimate
from comp.bundle.rehearsal import Rehearsal, Step
from comp.bundle.rehearsal_table import lines_of, table_lines

FOUND = Rehearsal(
    passed=False,
    manifest="abc",
    run="r",
    date="2026-01-01T00:00:00+00:00",
    environment={"network": "none", "libraries": "some", "home": "empty"},
    tolerance=1e-4,
    steps=[
        Step(name="public test", passed=True, words="as [bold] comp", seconds=61, images=4200),
        Step(name="hidden test", passed=False, words="a\x1b[31m line", peak_bytes=2_000_000_000),
        Step(name="broken image", passed=None, words="not possible"),
    ],
    time=estimate((61, 4), None, machine="cpu", on_gpu=False, threads=4, images=10_000),
)


def test_the_table() -> None:
    text = "\n".join(table_lines(FOUND, 100))
    assert "rehearsal FAILED" in text
    assert "as [bold] comp" in text
    assert "1 min 01 s" in text
    assert "4,200" in text
    assert "2.0 GB" in text
    assert "left out" in text
    assert "\x1b" not in text
    assert max(map(len, text.splitlines()[:9])) <= 100


def test_a_test_that_takes_too_long() -> None:
    assert any(line.startswith("TOO LONG") for line in lines_of(FOUND))
    assert not any("TOO LONG" in line for line in lines_of(replace(FOUND, time=None)))
