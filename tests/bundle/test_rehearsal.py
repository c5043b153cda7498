from pathlib import Path

from comp.bundle.kaggle_time import estimate
from comp.bundle.rehearsal import Rehearsal, Step, why_not_rehearsed, write_rehearsal
from comp.files import read_json


def rehearsal(passed: bool = True) -> Rehearsal:
    return Rehearsal(
        passed=passed,
        manifest="abc",
        run="r",
        date="2026-01-01T00:00:00+00:00",
        environment={"network": "none", "libraries": "some", "home": "empty"},
        tolerance=1e-4,
        steps=[
            Step(name="public test", passed=passed, words="as [bold] comp", seconds=61, images=4),
            Step(name="broken image", passed=None, words="not possible"),
        ],
        time=estimate((61, 4), None, machine="t4", on_gpu=False, threads=4),
    )


def test_a_bundle_that_passed(tmp_path: Path) -> None:
    write_rehearsal(tmp_path, rehearsal())
    assert why_not_rehearsed(tmp_path, "abc") == ""
    record = read_json(tmp_path / "rehearsal.json")
    assert record["passed"] is True
    assert record["manifest"] == "abc"
    assert record["time"]["words"].startswith("at Kaggle")


def test_bundles_that_must_not_be_sent(tmp_path: Path) -> None:
    assert "was not rehearsed" in why_not_rehearsed(tmp_path, "abc")
    write_rehearsal(tmp_path, rehearsal(passed=False))
    assert "failed" in why_not_rehearsed(tmp_path, "abc")
    assert "changed after" in why_not_rehearsed(tmp_path, "def")
    for text in ("{", "[]", '{"passed": "yes", "manifest": "abc"}'):
        (tmp_path / "rehearsal.json").write_text(text)
        assert why_not_rehearsed(tmp_path, "abc") != ""


def test_what_failed() -> None:
    assert rehearsal().problems == []
    assert rehearsal(passed=False).problems == ["public test: as [bold] comp"]
