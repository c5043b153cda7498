"""The program that runs on Kaggle, in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from kaggle_kernels import KernelResult, KernelRun
from notebook_desk import RUN, launch, make_bundle

from comp.notebook.launcher import launcher_text


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return tmp_path / "bundle"


def run(bundle: Path, manifest: str, slug: str = "any-name/2", **more: bytes) -> KernelResult:
    """Run the launcher of a manifest on a bundle below the input."""
    files = {
        path.relative_to(bundle).as_posix(): path.read_bytes()
        for path in bundle.rglob("*")
        if path.is_file()
    }
    text = launcher_text(manifest_id=manifest, run_id=RUN, tag="comp:0123456789ab")
    data = {"data": {"sampleSubmission.csv": b"id,value\na,1\n", **more}}
    return launch(KernelRun(text, {slug: files}, data, {}))


def log(result: KernelResult) -> str:
    return "".join(text for _, text in result.log)


def test_the_bundle_is_found_wherever_it_is(bundle: Path) -> None:
    manifest = make_bundle(bundle)
    done = run(bundle, manifest, "datasets/ada/some/deep/folder")
    assert (done.state, done.outputs) == ("complete", {"submission.csv": b"id,value\na,1\n"})
    assert f"found bundle {manifest[:12]}" in log(done)
    assert "found sampleSubmission.csv" in log(done)  # what predict.py says


def test_another_bundle_alone_is_a_loud_failure(bundle: Path) -> None:
    other = make_bundle(bundle)
    failed = run(bundle, "b" * 64)
    assert (failed.state, failed.outputs) == ("error", {})
    assert f"no bundle {'b' * 64}" in log(failed)
    assert f"holds {other}" in log(failed)


def test_a_damaged_or_missing_file_is_a_loud_failure(bundle: Path) -> None:
    manifest = make_bundle(bundle)
    weights = bundle / "weights" / "fold-0.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + b"x")
    failed = run(bundle, manifest)
    assert "weights/fold-0.safetensors of the bundle has other bytes" in log(failed)
    weights.unlink()
    missing = run(bundle, manifest)
    assert "weights/fold-0.safetensors of the bundle is missing" in log(missing)
    assert (failed.state, missing.state) == ("error", "error")


def test_only_the_submission_is_left_and_only_of_a_good_run(bundle: Path) -> None:
    predict = (
        "import sys\nfrom pathlib import Path\n"
        "out = Path(sys.argv[sys.argv.index('--output') + 1])\n"
        "(out / 'submission.csv').write_text('id\\n')\n(out / 'scratch.npz').write_text('x')\n"
        "print('broken data', file=sys.stderr)\n"
    )
    manifest = make_bundle(bundle, predict=predict)
    assert run(bundle, manifest).outputs == {"submission.csv": b"id\n"}
    failing = bundle.with_name("failing")
    manifest = make_bundle(failing, predict=predict + "sys.exit(2)\n")
    failed = run(failing, manifest)
    assert (failed.state, failed.outputs) == ("error", {})
    assert "broken data" in log(failed)
    assert "predict.py ended with exit code 2" in log(failed)
