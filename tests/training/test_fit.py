"""The training loop on tiny problems."""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import albumentations as A
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from timm.utils import ModelEmaV3
from torch import nn

from comp.config.schema import RunConfig, resolve
from comp.contract.metric import Metric
from comp.contract.metrics import rmse
from comp.contract.sample import Item, Sample
from comp.data.dataset import ResumableBatchSampler, SampleSet, to_unit, train_loader
from comp.errors import RunError
from comp.runs.progress import Step
from comp.signals import Stopped, handle_signals
from comp.training.device import make_accelerator
from comp.training.fit import _is_fused, fit
from comp.training.mixing import unmixed
from comp.training.replanning import Replanner, TimePlan
from comp.training.spec import FitResult, FitSpec, NotFiniteError

COUNT, SIDE = 8, 6
RMSE = Metric(name="RMSE", score=rmse, direction="min")
Score = Callable[[nn.Module], float]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Images of six pixels are slower with a second thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def negative(sample: Sample) -> Item:
    """A random image; its target is its negative."""
    image = np.random.default_rng(int(sample.id)).integers(0, 256, (SIDE, SIDE, 1), np.uint8)
    return {"image": image, "target": 255 - image}


def network(kernel: int = 3) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(1, 1, kernel, padding=kernel // 2)


def error(model: nn.Module) -> float:
    """Mean squared error over all images, computed without the loop."""
    device = next(model.parameters()).device
    model.eval()
    items = [negative(Sample(id=str(i), image=Path())) for i in range(COUNT)]
    x = torch.tensor(np.stack([item["image"] for item in items])).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        return float(F.mse_loss(model(x.to(device)).cpu(), 1 - x))


def train(
    folder: Path,
    model: nn.Module,
    steps: int,
    score: Score = error,
    on_step: Callable[[Step], None] | None = None,
    device: str = "cpu",
    precision: str = "fp32",
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor] = F.mse_loss,
    replanner: Replanner | None = None,
    **settings: Any,
) -> FitResult:
    """Train with plain SGD at a constant rate, unless `settings` change it."""
    plain = {
        "validations": 1,
        "loader": {"batch_size": 4},
        "optim": {
            "name": "sgd",
            "lr": 0.1,
            "weight_decay": 0.0,
            "schedule": "constant",
            "warmup": 0.0,
        },
    }
    config: RunConfig = resolve("toy", [plain, settings])
    samples = [Sample(id=str(i), image=Path()) for i in range(COUNT)]
    batch, accumulate = config.loader.batch_size, config.optim.accumulate
    pipeline = A.Compose([], additional_targets={"target": "mask"})
    loader = train_loader(
        SampleSet(samples, negative, pipeline),
        ResumableBatchSampler(COUNT, batch, steps * accumulate, (0, 0)),
        config.loader.workers,
        torch.device(device),
    )
    spec = FitSpec(
        config=config,
        fold=3,
        loss=loss,
        mixer=unmixed,
        score=score,
        better=RMSE.better,
        steps=steps,
        epoch_steps=-(-COUNT // (batch * accumulate)),
        history=folder / "history.jsonl",
        replanner=replanner or Replanner(),
    )
    accelerator = make_accelerator(torch.device(device), precision, accumulate)
    return fit(model, loader, spec, accelerator, on_step)


def weights(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().cpu().flatten() for p in model.parameters()])


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]


def scripted(*scores: float) -> Score:
    """A score that returns these values in turn."""
    left = iter(scores)
    return lambda _model: next(left)


def test_a_linear_problem_is_learned(tmp_path: Path) -> None:
    model = network(kernel=1)
    before = error(model)
    fitted = train(tmp_path, model, 300)
    assert error(model) < 1e-4 < before
    assert model.weight.item() == pytest.approx(-1, abs=0.05)
    assert model.bias.item() == pytest.approx(1, abs=0.05)
    assert fitted.best.score == pytest.approx(error(model), rel=1e-6)
    assert (fitted.steps, fitted.best.step, fitted.stopped_early) == (300, 300, False)
    assert fitted.meter.images == 1200


@pytest.mark.parametrize(
    ("steps", "validations", "expected"),
    [
        (6, 3, [2, 4, 6]),
        (7, 3, [3, 5, 7]),
        (5, 1, [5]),
        (2, 5, [1, 2]),
        (1, 1, [1]),
    ],
)
def test_validations_are_evenly_spread_and_include_the_last_step(
    tmp_path: Path, steps: int, validations: int, expected: list[int]
) -> None:
    fitted = train(tmp_path, network(), steps, validations=validations)
    assert [line["step"] for line in lines(tmp_path)] == expected
    assert fitted.steps == steps


def test_history_has_one_line_per_validation(tmp_path: Path) -> None:
    train(tmp_path, network(), 3, scripted(0.5, 0.25, 0.75), validations=3)
    found = lines(tmp_path)
    assert [line["score"] for line in found] == [0.5, 0.25, 0.75]
    assert [line["epoch"] for line in found] == [0.5, 1.0, 1.5]
    assert [line["lr"] for line in found] == [0.1] * 3
    assert all(line.keys() == found[0].keys() for line in found)
    assert found[0].keys() == {"step", "epoch", "loss", "lr", "score", "seconds"}
    assert found[0]["seconds"] <= found[1]["seconds"] <= found[2]["seconds"]


def test_the_loss_in_history_is_the_mean_since_the_last_line(tmp_path: Path) -> None:
    model = network()
    first = error(model)
    train(tmp_path, model, 2, validations=2, loader={"batch_size": COUNT}, optim={"lr": 1e-12})
    assert [line["loss"] for line in lines(tmp_path)] == pytest.approx([first] * 2, rel=1e-4)


def test_two_batches_of_two_make_the_step_of_one_batch_of_four(tmp_path: Path) -> None:
    whole, halves, other = network(), network(), network()
    train(tmp_path, whole, 5, loader={"batch_size": 4})
    fitted = train(tmp_path, halves, 5, loader={"batch_size": 2}, optim={"accumulate": 2})
    train(tmp_path, other, 5, loader={"batch_size": 2})
    assert fitted.steps == 5
    assert fitted.meter.images == 20
    assert torch.allclose(weights(whole), weights(halves), atol=1e-6)
    assert not torch.allclose(weights(whole), weights(other), atol=1e-4)


def test_the_schedule_counts_optimizer_steps_and_not_batches(tmp_path: Path) -> None:
    optim = {"accumulate": 3, "schedule": "cosine"}
    train(tmp_path, network(), 4, validations=4, loader={"batch_size": 2}, optim=optim)
    assert [line["lr"] for line in lines(tmp_path)] == pytest.approx(
        [0.05 * (1 + np.cos(np.pi * i / 4)) for i in (1, 2, 3, 4)]
    )


def test_clipping_limits_the_step(tmp_path: Path) -> None:
    optim = {"name": "momentum", "lr": 1.0}
    free, clipped, loose = network(), network(), network()
    before = weights(free)
    train(tmp_path, free, 1, optim=optim)
    train(tmp_path, clipped, 1, optim=optim | {"clip_norm": 0.01})
    train(tmp_path, loose, 1, optim=optim | {"clip_norm": 1e6})
    assert (weights(free) - before).norm() > 0.1
    assert (weights(clipped) - before).norm().item() == pytest.approx(0.01, rel=1e-3)
    assert torch.equal(weights(loose), weights(free))


def test_clipping_is_applied_to_the_accumulated_gradient(tmp_path: Path) -> None:
    optim = {"name": "momentum", "lr": 1.0, "clip_norm": 0.01}
    whole, halves = network(), network()
    train(tmp_path, whole, 1, optim=optim)
    train(tmp_path, halves, 1, loader={"batch_size": 2}, optim=optim | {"accumulate": 2})
    assert torch.allclose(weights(whole), weights(halves), atol=1e-6)


def test_the_moving_average_is_scored_and_kept(tmp_path: Path) -> None:
    model, raw, scored = network(), [], []

    def score(given: nn.Module) -> float:
        raw.append(weights(model))
        scored.append(weights(given))
        return 1.0 / len(raw)

    fitted = train(tmp_path, model, 6, score, validations=6, optim={"ema": 0.6})
    average = raw[0]
    assert torch.equal(scored[0], average)
    for step in range(2, 7):
        decay = min(0.6, 1 - step ** (-2 / 3))
        average = decay * average + (1 - decay) * raw[step - 1]
        assert torch.allclose(scored[step - 1], average, atol=1e-6)
    assert not torch.allclose(scored[-1], raw[-1], atol=1e-4)
    kept = torch.cat([value.flatten() for value in fitted.best.weights.values()])
    assert torch.equal(kept, scored[-1])


def test_without_a_moving_average_the_model_is_scored(tmp_path: Path) -> None:
    model, seen = network(), []

    def score(given: nn.Module) -> float:
        seen.append(given is model)
        return 0.5

    train(tmp_path, model, 2, score, validations=2)
    assert seen == [True, True]


def test_the_moving_average_does_not_change_the_training(tmp_path: Path) -> None:
    plain, averaged = network(), network()
    train(tmp_path, plain, 4)
    train(tmp_path, averaged, 4, optim={"ema": 0.9})
    assert torch.equal(weights(plain), weights(averaged))


def test_the_average_is_timms(tmp_path: Path) -> None:
    average = ModelEmaV3(network(), decay=0.6, use_warmup=True)
    assert [average.get_decay(step) for step in (1, 2, 5, 9)] == pytest.approx(
        [0.0, 1 - 2 ** (-2 / 3), 0.6, 0.6]
    )


def test_the_weights_of_the_best_validation_are_kept(tmp_path: Path) -> None:
    model, seen = network(), []
    script = scripted(0.5, 0.2, 0.3, 0.2)

    def score(given: nn.Module) -> float:
        seen.append(weights(given))
        return script(given)

    fitted = train(tmp_path, model, 8, score, validations=4)
    best = fitted.best
    assert (best.score, best.step, fitted.steps, fitted.stopped_early) == (0.2, 4, 8, False)
    assert best.loss == lines(tmp_path)[1]["loss"]
    kept = torch.cat([value.flatten() for value in best.weights.values()])
    assert torch.equal(kept, seen[1])
    assert not torch.equal(kept, seen[3])


@pytest.mark.parametrize(("patience", "steps"), [(1, 6), (2, 8)])
def test_patience_counts_validations_without_a_better_score(
    tmp_path: Path, patience: int, steps: int
) -> None:
    script = scripted(0.5, 0.4, 0.45, 0.4, 0.1)
    fitted = train(tmp_path, network(), 10, script, validations=5, patience=patience)
    assert (fitted.steps, fitted.stopped_early) == (steps, True)
    assert (fitted.best.score, fitted.best.step) == (0.4, 4)
    assert len(lines(tmp_path)) == steps // 2


def test_a_better_score_resets_the_patience(tmp_path: Path) -> None:
    script = scripted(0.5, 0.6, 0.4, 0.6, 0.3)
    fitted = train(tmp_path, network(), 10, script, validations=5, patience=2)
    assert (fitted.steps, fitted.stopped_early, fitted.best.step) == (10, False, 10)


def test_patience_used_up_at_the_last_step_is_not_an_early_stop(tmp_path: Path) -> None:
    fitted = train(tmp_path, network(), 4, scripted(0.5, 0.6), validations=2, patience=1)
    assert (fitted.steps, fitted.stopped_early) == (4, False)


def test_another_fold_can_be_trained_after_an_early_stop(tmp_path: Path) -> None:
    fresh, after = network(), network()
    train(tmp_path, fresh, 4, loader={"batch_size": 2}, optim={"accumulate": 2})
    train(
        tmp_path,
        network(),
        9,
        scripted(0.5, 0.6, 0.7),
        validations=3,
        patience=1,
        loader={"batch_size": 1},
        optim={"accumulate": 3},
    )
    train(tmp_path, after, 4, loader={"batch_size": 2}, optim={"accumulate": 2})
    assert torch.equal(weights(fresh), weights(after))


@pytest.mark.parametrize(("patience_s", "batches"), [(60.0, 8), (0.0, 2)])
def test_after_a_signal_the_step_ends_unless_it_takes_too_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience_s: float, batches: int
) -> None:
    monkeypatch.setattr("comp.training.fit.PATIENCE_S", patience_s)
    calls = []

    def loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        if len(calls) == 2:
            signal.raise_signal(signal.SIGTERM)
        return F.mse_loss(prediction, target)

    one = {"loader": {"batch_size": 1}, "optim": {"accumulate": 8}}
    with pytest.raises(Stopped), handle_signals():
        train(tmp_path, network(), 3, loss=loss, **one)
    assert len(calls) == batches


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_the_fold(tmp_path: Path, bad: float) -> None:
    def loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return F.mse_loss(prediction, target) * bad

    with pytest.raises(RunError) as caught:
        train(tmp_path, network(), 1, loss=loss)
    problem = f"the loss of fold 3 is {bad} at step 1 (learning rate 1.00e-01)"
    assert str(caught.value) == f"{problem}: lower optim.lr, or set optim.clip_norm"
    assert not (tmp_path / "history.jsonl").exists()


def test_one_bad_loss_among_good_ones_ends_the_fold(tmp_path: Path) -> None:
    calls = []

    def loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return F.mse_loss(prediction, target) * (float("nan") if len(calls) == 2 else 1)

    with pytest.raises(RunError, match="is nan at step 2") as caught:
        train(tmp_path, network(), 3, loss=loss)
    assert isinstance(caught.value, NotFiniteError)
    assert caught.value.batch == 1


def test_a_bad_loss_names_the_learning_rate_of_its_own_step(tmp_path: Path) -> None:
    """The loss is checked later, when a cosine has fallen to 0."""
    calls = []

    def loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        calls.append(1)
        return F.mse_loss(prediction, target) * (float("nan") if len(calls) > 2 else 1)

    with pytest.raises(NotFiniteError, match=r"at step 3 \(learning rate 5\.00e-02\)"):
        train(tmp_path, network(), 4, loss=loss, optim={"schedule": "cosine"})
    assert len(calls) == 4


def test_scores_that_are_all_nan_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="every score of fold 3 is NaN"):
        train(tmp_path, network(), 2, scripted(float("nan"), float("nan")), validations=2)


def test_the_model_trains_again_after_a_validation(tmp_path: Path) -> None:
    model = nn.Sequential(network(), nn.BatchNorm2d(1))
    modes = []
    model[1].register_forward_pre_hook(lambda module, _: modes.append(module.training))
    train(tmp_path, model, 4, validations=2)
    assert modes == [True, True, False, True, True, False]
    assert model[1].num_batches_tracked.item() == 4


def test_bf16_on_the_cpu_trains_and_leaves_the_weights_in_fp32(tmp_path: Path) -> None:
    model = nn.Sequential(network(kernel=1))
    before, inside, outside = error(model), [], []
    model[0].register_forward_hook(lambda _module, _given, out: inside.append(out.detach()))

    def loss(prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        outside.append(prediction.detach())
        return F.mse_loss(prediction, target)

    fitted = train(tmp_path, model, 60, precision="bf16", loss=loss)
    assert {out.dtype for out in inside[:60]} == {torch.bfloat16}
    assert {out.dtype for out in outside} == {torch.float32}
    assert all(out.isfinite().all() for out in [*inside, *outside])
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {value.dtype for value in fitted.best.weights.values()} == {torch.float32}
    assert fitted.best.score is not None
    assert fitted.best.score < before / 10


def test_the_memory_layout_does_not_change_the_training(tmp_path: Path) -> None:
    def build() -> nn.Sequential:
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1)
        )

    last, first = build(), build()
    train(tmp_path, last, 10, channels_last=True)
    train(tmp_path, first, 10, channels_last=False)
    assert last[2].weight.is_contiguous(memory_format=torch.channels_last)
    assert first[2].weight.is_contiguous()
    assert torch.allclose(weights_by_name(last), weights_by_name(first), atol=1e-5)


def weights_by_name(model: nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().contiguous().flatten() for p in model.parameters()])


def test_progress_is_reported_at_every_validation(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("comp.training.meter._INTERVAL_S", 1e9)
    reported = progress(tmp_path, 4, validations=2)
    assert [(step.step, step.steps, step.epoch, step.epochs) for step in reported] == [
        (2, 4, 1, 2),
        (4, 4, 2, 2),
    ]
    assert [step.score for step in reported] == [None, 0.5]
    assert {step.fold for step in reported} == {3}
    assert [step.loss for step in reported] == [line["loss"] for line in lines(tmp_path)]


def test_progress_is_reported_between_validations_when_due(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr("comp.training.meter._INTERVAL_S", 0.0)
    assert [step.step for step in progress(tmp_path, 5, validations=1)] == [3, 4, 5]


def test_the_loss_in_history_does_not_depend_on_the_clock(tmp_path: Path, monkeypatch: Any) -> None:
    losses = []
    for interval in (1e9, 0.0):
        monkeypatch.setattr("comp.training.meter._INTERVAL_S", interval)
        train(tmp_path, network(), 4)
        losses.append(lines(tmp_path)[-1]["loss"])
    assert losses[0] == losses[1]


def progress(folder: Path, steps: int, validations: int) -> list[Step]:
    reported: list[Step] = []
    scores = scripted(0.5, 0.4, 0.3, 0.2)
    train(folder, network(), steps, scores, reported.append, validations=validations)
    return reported


def test_bytes_are_scaled_to_0_1_and_floats_stay() -> None:
    assert to_unit(torch.tensor([0, 51, 255], dtype=torch.uint8)).tolist() == pytest.approx(
        [0.0, 0.2, 1.0]
    )
    floats = torch.tensor([-3.0, 700.0])
    assert to_unit(floats) is floats


@pytest.mark.slow
def test_a_compiled_model_learns_the_same(tmp_path: Path) -> None:
    if not any(shutil.which(name) for name in ("g++", "c++", "clang++")):
        pytest.skip("torch.compile needs a C++ compiler")
    plain, compiled = network(), network()
    one = train(tmp_path, plain, 5, optim={"ema": 0.9})
    two = train(tmp_path, compiled, 5, optim={"ema": 0.9}, compile=True)
    assert torch.allclose(weights(plain), weights(compiled), atol=1e-5)
    assert one.best.weights.keys() == two.best.weights.keys()


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_the_gpu_learns_in_every_precision(tmp_path: Path, precision: str) -> None:
    model = nn.Sequential(network(kernel=1))
    before, seen = error(model), []
    model[0].register_forward_hook(lambda _module, _given, out: seen.append(out.dtype))
    reported: list[Step] = []
    fitted = train(
        tmp_path,
        model,
        200,
        on_step=reported.append,
        device="cuda",
        precision=precision,
        validations=4,
        optim={"clip_norm": 5.0, "ema": 0.9},
    )
    low = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]
    assert seen[0] == low
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {p.device.type for p in model.parameters()} == {"cuda"}
    assert reported
    assert all(np.isfinite(line["loss"]) for line in lines(tmp_path))
    assert fitted.best.score is not None
    assert fitted.best.score < before / 20


@pytest.mark.gpu
def test_fp16_scales_its_gradients_and_skips_no_step_of_an_easy_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, skipped, make = [], [], make_accelerator

    def remember(*arguments: Any, **named: Any) -> Any:
        made.append(make(*arguments, **named))
        return made[-1]

    def score(model: nn.Module) -> float:
        skipped.append(made[0].optimizer_step_was_skipped)
        return error(model)

    monkeypatch.setitem(globals(), "make_accelerator", remember)
    model = network(kernel=1)
    before = weights(model)
    train(tmp_path, model, 20, score, device="cuda", precision="fp16", validations=20)
    assert made[0].scaler is not None
    assert made[0].scaler.is_enabled()
    assert made[0].scaler.get_scale() >= 1024
    assert not any(skipped)
    assert not torch.equal(weights(model), before)


@pytest.mark.gpu
def test_clipping_in_fp16_sees_the_gradient_without_its_scale(tmp_path: Path) -> None:
    model = network()
    before = weights(model)
    optim = {"name": "momentum", "lr": 1.0, "clip_norm": 0.01}
    train(tmp_path, model, 1, device="cuda", precision="fp16", optim=optim)
    assert (weights(model) - before).norm().item() == pytest.approx(0.01, rel=0.01)


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_gpu_agrees_with_the_cpu(tmp_path: Path, precision: str) -> None:
    cpu, gpu = network(), network()
    train(tmp_path, cpu, 20)
    train(tmp_path, gpu, 20, device="cuda", precision=precision, loader={"workers": 2})
    tolerance = 1e-3 if precision == "fp32" else 2e-2
    assert torch.allclose(weights(cpu), weights(gpu), atol=tolerance)


def test_the_mean_of_the_last_weights_is_scored_and_kept(tmp_path: Path) -> None:
    seen: list[torch.Tensor] = []

    def score(model: nn.Module) -> float:
        seen.append(weights(model))
        return float(len(seen))  # the first validation is the best: nothing is chosen by it

    model, average = network(), {"how": "soup", "last": 0.5, "count": 3}
    fitted = train(tmp_path, model, 6, score, validations=6, average=average)

    mean = torch.stack(seen[3:6]).mean(dim=0)
    assert len(seen) == 7
    assert torch.allclose(seen[6], mean, atol=1e-7)
    assert torch.equal(seen[6], torch.cat([w.flatten() for w in fitted.best.weights.values()]))
    assert (fitted.averaged, fitted.last_score, fitted.best.score) == (3, 6.0, 7.0)
    assert fitted.best.step == 6


def test_steps_that_are_planned_again_end_the_schedule_and_the_validations(tmp_path: Path) -> None:
    """The loader has the batches of 12 steps, and workers that must end."""
    planner = Replanner(given=[(4, 8)])
    settings = {"validations": 3, "optim": {"schedule": "cosine"}, "loader": {"workers": 1}}
    fitted = train(tmp_path, network(), 12, replanner=planner, **settings)
    assert (fitted.steps, fitted.planned, fitted.stopped_early) == (8, 8, False)
    assert (fitted.planned_first, fitted.points) == (12, ((4, 8),))
    assert [line["step"] for line in lines(tmp_path)] == [4, 6, 8]
    rates = [line["lr"] for line in lines(tmp_path)]
    assert rates == pytest.approx([0.05 * (1 + np.cos(np.pi * i / 12)) for i in (4, 8, 12)])
    assert [line.get("steps") for line in lines(tmp_path)] == [8, 8, 8]


def test_weights_are_averaged_at_the_end_of_steps_that_are_planned_again(tmp_path: Path) -> None:
    average = {"how": "soup", "last": 0.5, "count": 3}
    settings = {"average": average, "optim": {"accumulate": 2}}
    fitted = train(tmp_path, network(), 12, replanner=Replanner(given=[(4, 8)]), **settings)
    assert (fitted.steps, fitted.averaged) == (8, 3)
    fitted = train(tmp_path, network(), 12, replanner=Replanner(given=[(11, 12)]), **settings)
    assert (fitted.steps, fitted.averaged) == (12, 3)


def test_a_loader_that_becomes_slow_ends_in_time(tmp_path: Path) -> None:
    """Each look at the clock is a part of a step; nothing waits."""
    clock = iter(np.cumsum([1.0] * 100 + [3.0] * 1000).tolist())
    time_plan = TimePlan(ends_at=210.0, step_s=1.0, validate_s=1.0, after_s=10.0)
    planner = Replanner(time_plan, clock=lambda: float(next(clock)))
    fitted = train(tmp_path, network(), 198, replanner=planner)
    assert 115 < fitted.steps < 140
    assert len(fitted.points) >= 1
    assert lines(tmp_path)[-1]["step"] == fitted.steps
    assert next(clock) <= 1.1 * 210


def test_patience_ends_steps_that_were_planned_again(tmp_path: Path) -> None:
    planner, scores = Replanner(given=[(2, 9)]), scripted(0.1, *[0.2] * 9)
    fitted = train(tmp_path, network(), 12, scores, replanner=planner, validations=6, patience=2)
    assert fitted.stopped_early
    assert fitted.steps < fitted.planned == 9


@pytest.mark.parametrize(
    ("device", "precision", "cut", "fused"),
    [
        ("cuda", "bf16", False, True),
        ("cuda", "fp16", False, False),
        ("cuda", "fp16", True, False),
        ("cpu", "no", True, True),
        ("cpu", "no", False, False),
    ],
)
def test_steps_that_fp16_may_skip_are_not_fused(
    device: str, precision: str, cut: bool, fused: bool
) -> None:
    accelerator: Any = SimpleNamespace(device=torch.device(device), mixed_precision=precision)
    model = nn.Linear(2, 1)
    model.cut = cut
    assert _is_fused(model, accelerator) == fused
