"""One fold is a function of its four arguments, in whichever process it runs."""

from __future__ import annotations

import json
import multiprocessing
import pickle
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file

from comp.config.nesting import merge
from comp.config.schema import RunConfig, resolve
from comp.data.folds import make_folds, read_folds, write_folds
from comp.errors import DeviceError, DiskError, FoldError
from comp.pipeline.fold import fit_fold
from comp.pipeline.fold_context import epoch_steps, fold_seed, make_fold_context
from comp.pipeline.smaller_batches import with_smaller_batches
from comp.pipeline.timing import time_fold
from comp.runs.folder import RunFolder
from comp.runs.progress import Silent, Step
from comp.runs.results import FoldResult
from comp.training.checkpoint import load_weights
from competitions.denoising import COMPETITION as DENOISING
from tests.fakes.predicted import load_predictions

FILES = ["model.safetensors", "oof.safetensors", "test.safetensors"]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """Sums over threads differ in their last bits with the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def changed(config: RunConfig, **values: object) -> RunConfig:
    layers = [merge(config.model_dump(), values)]
    return resolve("denoising", layers, DENOISING.options)


def prepare(folder: Path, pages: Path, config: RunConfig) -> Path:
    """A run's folder with nothing but its folds."""
    folder.mkdir()
    train = DENOISING.samples(pages, "train")
    folds = make_folds(train, config.folds, config.scheme, config.seed)
    write_folds(RunFolder(folder).folds_csv, train, folds)
    return folder


def contents(folder: Path, fold: int) -> dict[str, bytes]:
    return {name: (folder / f"fold-{fold}" / name).read_bytes() for name in FILES}


def history(folder: Path, fold: int) -> list[dict[str, float]]:
    lines = (folder / f"fold-{fold}" / "history.jsonl").read_text().splitlines()
    return [json.loads(line) | {"seconds": 0, "loss": 0} for line in lines]


@pytest.fixture(scope="module")
def done(
    tmp_path_factory: pytest.TempPathFactory, pages: Path, tiny: RunConfig
) -> tuple[Path, FoldResult]:
    """Fold 1, trained in this process without fold 0."""
    folder = prepare(tmp_path_factory.mktemp("fold") / "run", pages, tiny)
    return folder, fit_fold(tiny, 1, pages, folder)


def test_a_fold_leaves_its_results_and_no_other_fold(done: tuple[Path, FoldResult]) -> None:
    folder, _ = done
    assert {path.name for path in (folder / "fold-1").iterdir()} == {
        *FILES,
        "meta.json",
        "history.jsonl",
    }
    assert not (folder / "fold-0").exists()


def test_meta_holds_the_result(done: tuple[Path, FoldResult]) -> None:
    folder, result = done
    assert json.loads((folder / "fold-1" / "meta.json").read_text()) == asdict(result)
    assert (result.fold, result.steps, result.step, result.stopped_early) == (1, 2, 2, False)
    assert result.loss > 0
    times = (result.setup_s, result.fit_s, result.predict_s, result.validate_s)
    assert all(seconds > 0 for seconds in times)
    assert 0 <= result.wait_share <= 1


def test_predictions_are_of_the_held_out_and_the_test_pages(
    done: tuple[Path, FoldResult], pages: Path
) -> None:
    folder, result = done
    held_out = {i for i, fold in read_folds(folder / "folds.csv").items() if fold == 1}
    oof = load_predictions(folder / "fold-1" / "oof.safetensors")
    test = load_predictions(folder / "fold-1" / "test.safetensors")
    assert set(oof) == held_out
    assert {s.id: (*s.size, 1) for s in DENOISING.samples(pages, "test")} == {
        i: page.shape for i, page in test.items()
    }
    targets = {s.id: s.target for s in DENOISING.samples(pages, "train")}
    errors = [np.square(oof[i] - read(targets[i])).ravel() for i in sorted(held_out)]
    expected = float(np.sqrt(np.concatenate(errors).mean(dtype=np.float64)))
    assert result.score == pytest.approx(expected, rel=1e-6)


def read(path: Path) -> np.ndarray:
    from PIL import Image

    return np.asarray(Image.open(path).convert("L"), np.float32)[..., None] / 255


def test_the_same_fold_again_is_the_same_bytes(
    done: tuple[Path, FoldResult], pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    torch.manual_seed(12345)
    np.random.seed(54321)
    folder = prepare(tmp_path / "run", pages, tiny)
    result = fit_fold(tiny, 1, pages, folder)
    assert contents(folder, 1) == contents(done[0], 1)
    assert history(folder, 1) == history(done[0], 1)
    assert result.score == done[1].score


def test_a_process_of_its_own_writes_the_same_bytes(
    done: tuple[Path, FoldResult],
    pages: Path,
    tiny: RunConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    folder = prepare(tmp_path / "run", pages, tiny)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        result = pool.submit(fit_fold, tiny, 1, pages, folder).result(timeout=600)
    assert contents(folder, 1) == contents(done[0], 1)
    assert history(folder, 1) == history(done[0], 1)
    assert result.score == done[1].score


def test_all_that_a_fold_takes_and_gives_can_be_pickled(
    done: tuple[Path, FoldResult], pages: Path, tiny: RunConfig
) -> None:
    given = (fit_fold, tiny, 1, pages, done[0], 2)
    assert pickle.loads(pickle.dumps(given)) == given  # noqa: S301
    assert pickle.loads(pickle.dumps(done[1])) == done[1]  # noqa: S301
    assert type(pickle.loads(pickle.dumps(tiny)).options) is type(tiny.options)  # noqa: S301


def test_measuring_a_fold_first_changes_nothing_in_it(
    done: tuple[Path, FoldResult],
    pages: Path,
    tiny: RunConfig,
    tmp_path: Path,
) -> None:
    folder = prepare(tmp_path / "run", pages, tiny)
    cost = time_fold(
        changed(tiny, optim={"accumulate": 2}, validations=3), 0, pages, folder, Silent()
    )
    assert not (folder / "fold-0").exists()
    fit_fold(tiny, 1, pages, folder)
    assert contents(folder, 1) == contents(done[0], 1)
    assert 0 < cost.step_s < 60
    assert 0 < cost.reserve_s < cost.fixed_s


@pytest.mark.parametrize("change", [{"seed": 1}, {"optim": {"lr": 0.01}}])
def test_another_configuration_gives_another_model(
    done: tuple[Path, FoldResult],
    pages: Path,
    tiny: RunConfig,
    tmp_path: Path,
    change: dict[str, object],
) -> None:
    folder = prepare(tmp_path / "run", pages, tiny)
    fit_fold(changed(tiny, **change), 1, pages, folder)
    assert contents(folder, 1)["model.safetensors"] != contents(done[0], 1)["model.safetensors"]


class StepRecorder(Silent):
    """A reporter that records the steps."""

    def __init__(self, steps: list[Step]) -> None:
        self.steps = steps

    def step(self, step: Step) -> None:
        self.steps.append(step)


def test_steps_given_override_the_configuration_and_are_reported(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    folder, steps = prepare(tmp_path / "run", pages, tiny), []
    result = fit_fold(tiny, 0, pages, folder, 3, StepRecorder(steps))
    assert result.steps == 3
    assert isinstance(steps[-1], Step)
    assert (steps[-1].fold, steps[-1].step, steps[-1].steps) == (0, 3, 3)


@pytest.mark.parametrize(
    ("samples", "batch", "repeats", "accumulate", "expected"),
    [(4, 2, 1, 1, 2), (5, 2, 1, 1, 3), (5, 2, 3, 2, 4), (1, 32, 1, 1, 1)],
)
def test_an_epoch_has_so_many_optimizer_steps(
    tiny: RunConfig, samples: int, batch: int, repeats: int, accumulate: int, expected: int
) -> None:
    config = changed(
        tiny,
        loader={"batch_size": batch, "repeats": repeats},
        optim={"accumulate": accumulate},
    )
    assert epoch_steps(config, samples) == expected


def test_epochs_count_where_nothing_else_says_how_long(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    config = changed(tiny, max_steps=None, epochs=2, loader={"batch_size": 3})
    folder = prepare(tmp_path / "run", pages, config)
    held_in = sum(fold != 0 for fold in read_folds(folder / "folds.csv").values())
    result = fit_fold(config, 0, pages, folder)
    assert result.steps == 2 * -(-held_in // 3)
    assert result.epoch == 2


def test_seeds_of_folds_differ_and_fit() -> None:
    seeds = [fold_seed(seed, fold) for seed in (0, 1, 999, 2**32 - 1) for fold in range(5)]
    assert len(set(seeds)) == 20
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_data_that_changed_since_the_split_into_folds_is_refused(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    folder = prepare(tmp_path / "run", pages, tiny)
    path = folder / "folds.csv"
    path.write_text(path.read_text() + "nobody,0,\n")
    with pytest.raises(FoldError, match="differ in 1 ids, the first is 'nobody'"):
        fit_fold(tiny, 0, pages, folder)


def test_a_device_that_is_not_there_is_refused_before_anything_is_trained(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    folder = prepare(tmp_path / "run", pages, tiny)
    with pytest.raises(DeviceError, match="fp16"):
        fit_fold(changed(tiny, precision="fp16"), 0, pages, folder)
    assert not (folder / "fold-0" / "meta.json").exists()


def test_a_fold_made_again_has_the_history_of_its_last_time_only(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    folder = prepare(tmp_path / "run", pages, tiny)
    fit_fold(tiny, 0, pages, folder)
    fit_fold(tiny, 0, pages, folder)
    assert [line["step"] for line in history(folder, 0)] == [2]


def test_bf16_runs_through_on_the_cpu(pages: Path, tiny: RunConfig, tmp_path: Path) -> None:
    folder = prepare(tmp_path / "run", pages, tiny)
    result = fit_fold(changed(tiny, precision="bf16"), 0, pages, folder)
    assert 0 < result.score < 1
    state = load_file(folder / "fold-0" / "model.safetensors")
    assert {array.dtype for array in state.values()} == {np.dtype(np.float32)}


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_a_fold_runs_through_on_a_gpu(
    done: tuple[Path, FoldResult], pages: Path, tiny: RunConfig, tmp_path: Path, precision: str
) -> None:
    folder = prepare(tmp_path / "run", pages, tiny)
    result = fit_fold(changed(tiny, device="cuda", precision=precision), 1, pages, folder)
    assert result.score == pytest.approx(done[1].score, rel=0.02)


def test_a_gpu_without_room_is_a_mistake_that_can_be_mended(
    pages: Path, tiny: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    folder = prepare(tmp_path / "run", pages, tiny)
    monkeypatch.setattr("comp.pipeline.fold.fit", full)
    with pytest.raises(DeviceError, match=r"lower loader\.batch_size"):
        fit_fold(tiny, 0, pages, folder)
    assert not (folder / "fold-0" / "meta.json").exists()


@pytest.mark.parametrize(
    ("size", "words"), [(4, "'comp run denoising --resume --set predict.batch_size=2'"), (1, "new")]
)
def test_out_of_memory_in_predictions_names_the_command_that_resumes(
    pages: Path,
    tiny: RunConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    words: str,
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def load_and_fill(place: Path, model: torch.nn.Module) -> None:
        load_weights(place, model)
        monkeypatch.setattr("comp.inference.predict.Predictor._forward", full)

    folder = prepare(tmp_path / "run", pages, tiny)
    monkeypatch.setattr("comp.pipeline.fold.load_weights", load_and_fill)
    with pytest.raises(DeviceError, match=words):
        fit_fold(changed(tiny, predict={"batch_size": size}), 0, pages, folder)
    assert (folder / "fold-0" / "resume.pt").is_file()


@pytest.mark.parametrize(
    ("size", "mixup", "words"),
    [
        (15, 0.0, "cannot be halved, use a smaller one or a multiple of 2"),
        (6, 0.5, "cannot be halved, use a smaller one or a multiple of 4"),
        (1, 0.0, "use smaller images"),
        (2, 0.5, "use smaller images"),
    ],
)
def test_an_odd_batch_and_a_small_batch_have_different_messages(
    pages: Path, tiny: RunConfig, tmp_path: Path, size: int, mixup: float, words: str
) -> None:
    folder = prepare(tmp_path / "run", pages, tiny)
    context = make_fold_context(tiny, 0, pages, folder)
    loader = tiny.loader.model_copy(update={"batch_size": size, "mixup": mixup})
    odd = replace(context, config=tiny.model_copy(update={"loader": loader}))
    with pytest.raises(DeviceError, match=words):
        with_smaller_batches(odd, Silent())


def test_a_folder_of_a_fold_that_cannot_be_made_is_named(
    pages: Path, tiny: RunConfig, tmp_path: Path
) -> None:
    folder = prepare(tmp_path / "run", pages, tiny)
    (folder / "fold-0").touch()
    with pytest.raises(
        DiskError, match=r"cannot write fold-0 in .*: File exists; check that folder"
    ):
        fit_fold(tiny, 0, pages, folder)
