"""The program of a bundle on hidden tests, whose images are copies of the known ones."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from plain_bundles import plain_bundle as bundle_of
from plain_bundles import predicted, table
from whole_run import tiny_config

from comp.bundle.parts.main import main
from comp.contract import registry
from comp.contract.metrics import AUC
from comp.data.location import DataSource
from comp.files import read_json, write_json
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.tasks.binary import binary
from comp.tasks.image_table import image_table
from comp.workspace import Workspace

BIRDS = image_table(
    task=binary(("no", "yes")),
    metric=AUC,
    name="birds",
    title="Birds",
    kaggle="competitions/rare-birds",
    test_images="part_*",
)


@dataclass(frozen=True)
class Known:
    """A bundle, the public data, and what the program predicts for it."""

    bundle: Path
    data: Path
    values: Mapping[str, np.ndarray]

    def hidden(self, mount: Path, names: Mapping[str, str]) -> Path:
        """A hidden test below a mount: new id -> known id, whose image it is a copy of."""
        root = mount / "competitions" / "rare-birds"
        for folder in ("train", "part_1", "part_2"):
            (root / folder).mkdir(parents=True)
        shutil.copyfile(self.data / "train.csv", root / "train.csv")
        for number, (new, old) in enumerate(names.items()):
            (source,) = self.data.glob(f"part_*/{old}.*")
            target = root / f"part_{1 + number % 2}" / f"{new}{source.suffix}"
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        rows = "".join(f'"{name}",0\n' for name in names)
        (root / "sample_submission.csv").write_text(f"id,label\n{rows}", encoding="utf-8")
        return root


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Known]:
    folder = tmp_path_factory.mktemp("birds")
    data = folder / "data"
    data.mkdir()
    BIRDS.draw_synthetic(data, np.random.default_rng(0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "competitions", lambda: {"birds": BIRDS})
        workspace = Workspace.at(folder)
        changes = {"max_steps": 2, "predict": {"batch_size": 4}, "optim": {"lr": 0.02}}
        config = tiny_config(BIRDS, changes)
        summary = run(config, DataSource(data, False), workspace, Silent())
        bundle = bundle_of(summary.run_id, workspace, folder / "bundle")
        values = predicted(bundle, data, folder / "out")
    assert len({float(value[0]) for value in values.values()}) > len(values) / 2
    return Known(bundle, data, values)


def program(known: Known, mount: Path, output: Path, *more: str) -> int:
    """Run the program; returns its exit code."""
    given = ["--bundle", str(known.bundle), "--input", str(mount), "--output", str(output)]
    return main([*given, "--device", "cpu", *more])


def hidden_names(known: Known, count: int) -> dict[str, str]:
    """New ids, some of them unusual, in another order."""
    old = random.Random(0).choices(sorted(known.values), k=count)
    unusual = ["007", "nan", "deep/7", "deeper/7", "Zoë 中文", "x,y"]
    return dict(zip([*unusual, *(f"new{n}" for n in range(count))], old, strict=False))


def test_a_hidden_test_with_more_and_other_rows(known: Known, tmp_path: Path) -> None:
    names = hidden_names(known, 45)
    known.hidden(tmp_path / "mount", names)
    found = predicted(known.bundle, tmp_path / "mount", tmp_path)
    assert list(found) == list(names)
    for new, old in names.items():
        assert found[new] == pytest.approx(known.values[old], abs=1e-6)
    rows = table(tmp_path / "submission.csv")
    assert rows["id"].to_list() == list(names)
    values = [float(known.values[old][0]) for old in names.values()]
    assert rows["label"].cast(float).to_list() == pytest.approx(values, abs=2e-7)


def test_another_competition_beside_it(known: Known, tmp_path: Path) -> None:
    mount, names = tmp_path / "mount", hidden_names(known, 12)
    known.hidden(mount, names)
    other = mount / "another"
    shutil.copytree(known.data, other)
    (other / "sample_submission.csv").write_text("id,other\na,0\n")
    assert list(predicted(known.bundle, mount, tmp_path)) == list(names)


@pytest.mark.parametrize("options", [("--batch-size", "1"), ("--workers", "1")])
def test_batches_and_threads_change_nothing(
    known: Known, tmp_path: Path, options: Sequence[str]
) -> None:
    found = predicted(known.bundle, known.data, tmp_path, *options)
    for name, value in known.values.items():
        assert found[name] == pytest.approx(value, abs=1e-6)


def test_a_missing_and_a_broken_image_get_the_mean_prediction(
    known: Known, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = hidden_names(known, 12)
    root = known.hidden(tmp_path / "mount", names)
    (missing,) = root.glob("part_*/new0.*")
    (broken,) = root.glob("part_*/new1.*")
    missing.unlink()
    broken.write_bytes(broken.read_bytes()[:60])
    found = predicted(known.bundle, tmp_path / "mount", tmp_path)
    others = [known.values[old] for new, old in names.items() if new not in ("new0", "new1")]
    for name in ("new0", "new1"):
        assert found[name] == pytest.approx(np.mean(others, axis=0), abs=1e-6)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("missing 1 ids without an image") for line in lines)
    assert [line.split()[1] for line in lines if line.startswith("broken")] == ["new0:", "new1:"]
    assert table(tmp_path / "submission.csv").height == len(names)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("images", "images of the test cannot be predicted"),
        ("sample", "no sample_submission.csv below"),
        ("columns", "the sample submission has the columns id, x, and the run writes id, label"),
        ("rows", "sample_submission.csv has no rows"),
        ("folder", "no images in"),
        ("weights", "cannot read the weights"),
        ("bundle", "cannot read"),
        ("later", "has the format 2, expected 1"),
    ],
)
def test_a_fault_is_one_line(
    known: Known,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    damage: str,
    message: str,
) -> None:
    root = known.hidden(tmp_path / "mount", hidden_names(known, 4))
    sample, bundle = root / "sample_submission.csv", tmp_path / "bundle"
    shutil.copytree(known.bundle, bundle)
    images = [path for path in root.glob("part_*/**/*") if path.is_file()]
    if damage == "images":
        for path in images:
            path.write_bytes(b"no image")
    elif damage == "sample":
        sample.unlink()
    elif damage == "columns":
        sample.write_text(sample.read_text().replace("label", "x"))
    elif damage == "rows":
        sample.write_text("id,label\n")
    elif damage == "folder":
        for path in images:
            path.unlink()
    elif damage == "weights":
        next(bundle.glob("weights/*")).write_bytes(b"x")
    elif damage == "bundle":
        (bundle / "bundle.json").unlink()
    else:
        write_json(bundle / "bundle.json", read_json(bundle / "bundle.json") | {"format": 2})
    code = program(Known(bundle, root, {}), tmp_path / "mount", tmp_path / "out")
    printed = capsys.readouterr()
    errors = printed.err.splitlines()
    assert code == 2
    assert len(errors) == 1
    assert errors[0].startswith("error: ")
    assert message in errors[0]
    assert "reading images" not in printed.out or damage in ("images", "weights")
    assert not (tmp_path / "out" / "submission.csv").exists()


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_wrong_option_is_said_in_words(
    known: Known, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        program(known, known.data, tmp_path, "--batch-size", text)
    assert ended.value.code == 2
    assert f"argument --batch-size: '{text}' is not a whole number above 0" in (
        capsys.readouterr().err
    )
