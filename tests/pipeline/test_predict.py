"""Predictions again from a run's checkpoints, on its own data and on loose scans."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.data.location import DataSource
from comp.errors import ConfigError, DataError, RunError
from comp.pipeline.predict import predict
from comp.pipeline.prediction import PredictResult
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.runs.results import RunSummary
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING
from tests.fakes.predicted import load_predictions

SCANS = {
    "odd": ("L", (61, 47)),
    "colour": ("RGB", (40, 33)),
    "glass": ("RGBA", (30, 52)),
    "tiny": ("L", (7, 5)),
    "deep/large": ("L", (150, 90)),
}
"""Name -> mode and (width, height)."""


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Sums over threads differ in their last bits with the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, pages: Path, tiny: RunConfig
) -> tuple[Workspace, RunSummary]:
    """A run with flips, and its workspace."""
    layers = [merge(tiny.model_dump(), {"predict": {"tta": "flips", "tile": 64, "overlap": 16}})]
    config = resolve("denoising", layers, DENOISING.options)
    workspace = Workspace.at(tmp_path_factory.mktemp("workspace"))
    return workspace, run(config, DataSource(pages, True), workspace, Silent())


def draw_scans(folder: Path, seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    for name, (mode, (width, height)) in SCANS.items():
        channels = len(mode)
        values = rng.integers(0, 256, (height, width, channels), np.uint8)
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values.squeeze(2) if channels == 1 else values, mode=None).save(path)
    return folder


@pytest.fixture(scope="module")
def scanned(
    made: tuple[Workspace, RunSummary], tmp_path_factory: pytest.TempPathFactory
) -> PredictResult:
    workspace, summary = made
    folder = tmp_path_factory.mktemp("scans")
    return predict(summary.run_id, workspace, data=draw_scans(folder / "in"), out=folder / "out")


def test_a_run_predicts_its_own_data_to_the_byte(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    calls: list[tuple[int, int, int]] = []
    found = predict(
        summary.run_id, workspace, out=tmp_path, on_prediction=lambda *step: calls.append(step)
    )
    assert found.submission == tmp_path / "submission.csv"
    record = json.loads((tmp_path / "prediction.json").read_text())
    assert record["data"] == str(
        Path(json.loads((summary.run_dir / "run.json").read_text())["data"]).resolve()
    )
    assert record["run_id"] == summary.run_id
    assert found.submission.read_bytes() == summary.submission.read_bytes()
    assert (found.n_rows, list(found.folds), found.samples) == (summary.n_rows, [0, 1], 2)
    for fold in (0, 1):
        again = (tmp_path / f"fold-{fold}.safetensors").read_bytes()
        assert again == (summary.run_dir / f"fold-{fold}" / "test.safetensors").read_bytes()
    assert calls == [(0, 1, 2), (0, 2, 2), (1, 1, 2), (1, 2, 2)]


def test_predictions_are_in_the_workspace_by_default(
    made: tuple[Workspace, RunSummary],
) -> None:
    workspace, summary = made
    found = predict(summary.run_id, workspace)
    assert found.out == workspace.out / "predictions" / summary.run_id
    assert found.images == found.out / "images"


def test_each_image_is_the_prediction_in_bytes(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    predict(summary.run_id, workspace, out=tmp_path)
    pages = load_predictions(summary.run_dir / "test.safetensors")
    assert {p.stem for p in (tmp_path / "images").iterdir()} == set(pages)
    for name, page in pages.items():
        image = Image.open(tmp_path / "images" / f"{name}.png")
        assert image.mode == "L"
        assert np.abs(np.asarray(image, np.float64) - 255 * page[..., 0]).max() <= 0.51


def test_loose_scans_keep_their_names_and_sizes(scanned: PredictResult) -> None:
    assert scanned.images is not None
    found = {
        p.relative_to(scanned.images).with_suffix("").as_posix(): np.asarray(Image.open(p)).shape
        for p in scanned.images.rglob("*.png")
    }
    assert found == {name: (height, width) for name, (_, (width, height)) in SCANS.items()}
    assert (scanned.submission, scanned.n_rows, scanned.samples) == (None, 0, 5)
    assert not (scanned.out / "submission.csv").exists()
    for page in load_predictions(scanned.out / "test.safetensors").values():
        assert np.isfinite(page).all()
        assert 0 <= page.min() <= page.max() <= 1


def test_loose_scans_are_the_mean_of_the_folds(scanned: PredictResult) -> None:
    mean = load_predictions(scanned.out / "test.safetensors")
    parts = [load_predictions(scanned.out / f"fold-{fold}.safetensors") for fold in (0, 1)]
    for name, page in mean.items():
        both = (parts[0][name].astype(np.float64) + parts[1][name]) / 2
        assert np.array_equal(page, both.astype(np.float32))


def test_a_page_in_tiles_is_nearly_the_page_in_one_piece(
    made: tuple[Workspace, RunSummary], scanned: PredictResult, tmp_path: Path
) -> None:
    workspace, summary = made
    whole = predict(
        summary.run_id,
        workspace,
        data=draw_scans(tmp_path / "in"),
        out=tmp_path / "out",
        settings={"predict": {"tile": 1024}},
    )
    one = load_predictions(whole.out / "test.safetensors")["deep/large"]
    tiled = load_predictions(scanned.out / "test.safetensors")["deep/large"]
    assert not np.array_equal(one, tiled)
    assert np.abs(one - tiled).mean() < 1e-2


def test_a_part_of_the_folds_is_enough(made: tuple[Workspace, RunSummary], tmp_path: Path) -> None:
    workspace, summary = partial(made, tmp_path, keep=[1])
    found = predict(summary.run_id, workspace)
    assert list(found.folds) == [1]
    only = load_predictions(summary.run_dir / "fold-1" / "test.safetensors")
    test = load_predictions(found.out / "test.safetensors")
    assert all(np.array_equal(test[name], only[name]) for name in only)


def partial(
    made: tuple[Workspace, RunSummary], place: Path, keep: list[int]
) -> tuple[Workspace, RunSummary]:
    """A copy of the run in which only some folds are finished."""
    _, summary = made
    run_dir = place / "runs" / "denoising" / summary.run_id
    shutil.copytree(summary.run_dir, run_dir)
    for fold in {0, 1} - set(keep):
        (run_dir / f"fold-{fold}" / "meta.json").unlink()
    return Workspace.at(place), summary


def test_a_run_without_a_finished_fold_is_refused(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = partial(made, tmp_path, keep=[])
    with pytest.raises(RunError, match=f"run {summary.run_id} has no finished fold"):
        predict(summary.run_id, workspace)


@pytest.mark.parametrize("text", ["{", "[]", '{"threshold": "high"}'])
def test_damaged_scores_are_refused(
    made: tuple[Workspace, RunSummary], tmp_path: Path, text: str
) -> None:
    workspace, summary = partial(made, tmp_path, keep=[0])
    (workspace.runs("denoising") / summary.run_id / "scores.json").write_text(text)
    with pytest.raises(RunError, match=r"scores\.json cannot be read .*: restore the file"):
        predict(summary.run_id, workspace)


def test_an_unknown_run_is_named_with_the_newest(made: tuple[Workspace, RunSummary]) -> None:
    workspace, summary = made
    with pytest.raises(RunError, match=f"no run 'nobody' under .*the newest: {summary.run_id}"):
        predict("nobody", workspace)


def test_the_beginning_of_a_run_id_is_enough_unless_two_begin_so(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = partial(made, tmp_path, keep=[0])
    assert predict(summary.run_id[:10], workspace).run_id == summary.run_id
    twin = summary.run_dir.with_name(summary.run_id + "-2")
    shutil.copytree(summary.run_dir, tmp_path / "runs" / "denoising" / twin.name)
    with pytest.raises(RunError, match=r"is the beginning of 2 runs .*give more of the id"):
        predict(summary.run_id[:10], workspace)
    assert predict(summary.run_id, workspace).run_id == summary.run_id


def test_data_that_is_gone_is_named(made: tuple[Workspace, RunSummary], tmp_path: Path) -> None:
    workspace, summary = made
    with pytest.raises(DataError, match=r"no data at .*nowhere"):
        predict(summary.run_id, workspace, data=tmp_path / "nowhere", out=tmp_path / "out")


def test_a_folder_without_images_is_named(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    with pytest.raises(DataError, match=r"no image in .*in"):
        predict(summary.run_id, workspace, data=tmp_path / "in", out=tmp_path / "out")


def test_two_data_folders_are_not_a_folder_of_images(
    made: tuple[Workspace, RunSummary], pages: Path, tmp_path: Path
) -> None:
    """All images of both were predicted, as loose ones."""
    workspace, summary = made
    for name in ("first", "second"):
        shutil.copytree(pages, tmp_path / "both" / name)
    (tmp_path / "both" / "second" / "notes.txt").touch()
    with pytest.raises(DataError, match=r"2 folders in .*both have the layout .*first, second"):
        predict(summary.run_id, workspace, data=tmp_path / "both", out=tmp_path / "out")


def test_a_checkpoint_of_another_network_is_named(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    with pytest.raises(RunError, match="belongs to another network"):
        predict(
            summary.run_id, workspace, out=tmp_path, settings={"options": {"background": "off"}}
        )


def test_an_unknown_setting_is_named(made: tuple[Workspace, RunSummary], tmp_path: Path) -> None:
    workspace, summary = made
    with pytest.raises(ConfigError, match="unknown key 'nonsense'"):
        predict(summary.run_id, workspace, out=tmp_path, settings={"nonsense": 1})


def test_another_folder_with_the_same_names_is_predicted_afresh(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    first = draw_scans(tmp_path / "a" / "in", seed=1)
    second = draw_scans(tmp_path / "b" / "in", seed=2)
    predict(summary.run_id, workspace, data=first)
    after = predict(summary.run_id, workspace, data=second)
    fresh = predict(summary.run_id, workspace, data=second, out=tmp_path / "fresh")
    assert (after.out / "test.safetensors").read_bytes() == (
        fresh.out / "test.safetensors"
    ).read_bytes()


def test_images_of_an_earlier_prediction_do_not_stay(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    predict(summary.run_id, workspace)
    found = predict(summary.run_id, workspace, data=draw_scans(tmp_path / "in"))
    assert found.images is not None
    assert len(list(found.images.rglob("*.png"))) == len(SCANS)
    assert not (found.out / "submission.csv").exists()


def test_a_folder_with_something_in_it_is_never_written_to(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "mine.png").write_bytes(b"mine")
    with pytest.raises(DataError, match="is not empty: give a new folder"):
        predict(summary.run_id, workspace, out=tmp_path)
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["mine.png"]


def test_a_prediction_that_cannot_begin_leaves_the_older_one(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    older = predict(summary.run_id, workspace)
    with pytest.raises(DataError):
        predict(summary.run_id, workspace, data=tmp_path / "nowhere")
    assert (older.out / "test.safetensors").is_file()


def test_a_single_image_may_be_given(made: tuple[Workspace, RunSummary], tmp_path: Path) -> None:
    workspace, summary = made
    Image.new("L", (33, 21), 190).save(tmp_path / "note.png")
    found = predict(summary.run_id, workspace, data=tmp_path / "note.png", out=tmp_path / "out")
    assert found.images is not None
    with Image.open(found.images / "note.png") as image:
        assert image.size == (33, 21)
    assert found.submission is None


def test_another_precision_may_be_asked_for(
    made: tuple[Workspace, RunSummary], tmp_path: Path
) -> None:
    workspace, summary = made
    found = predict(summary.run_id, workspace, out=tmp_path / "out", settings={"precision": "bf16"})
    pages, full = (
        load_predictions(found.out / "test.safetensors"),
        load_predictions(summary.run_dir / "test.safetensors"),
    )
    gaps = [np.abs(page - full[name]).max() for name, page in pages.items()]
    assert 0 < max(gaps) < 0.05
