"""The bundle that is sent: found, made, rehearsed, or refused."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from notebook_desk import RUN, NotebookDesk, make_bundle, rehearse

from comp.bundle.manifest import write_manifest
from comp.notebook import ready_bundle


def test_a_failed_rehearsal_pushes_nothing(desk: NotebookDesk) -> None:
    rehearse(desk.bundle, desk.manifest, passed=False)
    failed = desk.here()
    assert failed.code == 2
    assert "the rehearsal of the bundle failed" in str(failed.error)
    assert desk.made() == (0, 0, 0)
    assert not desk.server.requests


@pytest.mark.parametrize("passed", [True, False])
def test_a_bundle_is_rehearsed_if_its_files_were_not(
    desk: NotebookDesk, monkeypatch: pytest.MonkeyPatch, passed: bool
) -> None:
    rehearse(desk.bundle, "f" * 64)  # of other files
    calls: list[tuple[Path, str]] = []

    def rehearsed(folder: Path, _workspace: object, gpu: str, *_rest: object) -> None:
        calls.append((folder, gpu))
        rehearse(folder, desk.manifest, passed)

    monkeypatch.setattr(ready_bundle, "_rehearse", rehearsed)
    assert desk.here(gpu="p100").code == (0 if passed else 2)
    assert calls == [(desk.bundle, "p100")]
    assert desk.made() == ((1, 1, 1) if passed else (0, 0, 0))


@pytest.mark.parametrize("why", ["missing", "older"])
def test_a_run_is_bundled_if_there_is_no_fresh_bundle(
    desk: NotebookDesk, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "missing":
        (desk.bundle / "manifest.json").unlink()
    else:
        later = (desk.bundle / "manifest.json").stat().st_mtime + 10
        os.utime(desk.place / "runs" / "denoising" / RUN / "scores.json", (later, later))
    made: list[str] = []

    def bundled(candidate: object, *_rest: object) -> None:
        made.append(candidate.run_id)  # type: ignore[attr-defined]
        for path in sorted(desk.bundle.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        make_bundle(desk.bundle)

    monkeypatch.setattr(ready_bundle, "_make", bundled)
    assert desk.here().code == 0
    assert made == [RUN]


def test_a_bundle_with_changed_files_is_refused(desk: NotebookDesk) -> None:
    (desk.bundle / "predict.py").write_text("print('mine')\n")
    refused = desk.here()
    assert refused.code == 2
    assert "predict.py was changed" in str(refused.error)
    assert desk.made() == (0, 0, 0)


def test_a_file_that_is_no_part_of_the_bundle_is_refused(desk: NotebookDesk) -> None:
    (desk.bundle / "kaggle.json").write_text("{}")
    refused = desk.here()
    assert "does not belong to the bundle" in str(refused.error)
    assert not desk.server.requests


def test_a_bundle_can_be_named_by_its_folder(desk: NotebookDesk) -> None:
    done = desk.here(str(desk.bundle))
    assert done.result is not None, done.error
    assert done.result.run_id == RUN
    assert desk.here(RUN).code == 2  # it is the same one


def test_a_run_on_synthetic_data_is_refused(desk: NotebookDesk) -> None:
    path = desk.place / "runs" / "denoising" / RUN / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"synthetic": True}))
    refused = desk.here()
    assert refused.code == 2
    assert "synthetic data" in str(refused.error)


def test_a_bundle_of_another_run_is_not_sent_as_this_one(desk: NotebookDesk) -> None:
    other = "20260102-000000-bbbbbb"
    desk.add_run(other)
    folder = desk.bundle.rename(desk.bundle.with_name(other))
    os.utime(folder / "manifest.json", (2e9, 2e9))  # not older than the run
    refused = desk.here(other)
    assert refused.code == 2
    assert f"is a bundle of run {RUN}, not of {other}" in str(refused.error)
    assert not desk.server.requests


def test_a_bundle_on_synthetic_data_is_refused_without_its_run(desk: NotebookDesk) -> None:
    shutil.rmtree(desk.place / "runs")
    told = desk.bundle / "bundle.json"
    described = json.loads(told.read_text())
    described["run"]["synthetic"] = True
    told.write_text(json.dumps(described))
    rehearse(desk.bundle, str(write_manifest(desk.bundle, RUN)["id"]))
    refused = desk.here(str(desk.bundle))
    assert refused.code == 2
    assert "is on synthetic data" in str(refused.error)
