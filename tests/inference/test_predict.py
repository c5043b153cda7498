"""Predictions of models with a known answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import albumentations as A
import numpy as np
import pytest
import torch
from torch import nn

from comp.config.prediction import PredictConfig
from comp.contract.sample import Item, Sample
from comp.errors import RunError
from comp.inference import predict as predicting
from comp.inference import reading
from comp.inference.predict import Predictor, with_progress
from comp.signals import Stopped
from comp.training.device import make_accelerator

Output = Literal["numbers", "image"]
SIZES = {"a": (5, 7), "b": (9, 4), "c": (5, 7), "d": (5, 7), "e": (9, 4), "f": (3, 3)}


def read(sample: Sample) -> Item:
    height, width = SIZES[sample.id]
    rng = np.random.default_rng(ord(sample.id))
    return {"image": rng.integers(0, 256, (height, width, 2), np.uint8)}


def samples(ids: str = "abcdef") -> list[Sample]:
    return [Sample(id=i, image=Path(i)) for i in ids]


def unit(sample_id: str) -> np.ndarray:
    return read(Sample(id=sample_id, image=Path()))["image"].astype(np.float32) / 255


class Model(nn.Module):
    """A function as a model."""

    def __init__(
        self, function: Callable[[torch.Tensor], torch.Tensor], multiple: int | None = None
    ) -> None:
        super().__init__()
        self.function = function
        self.shapes: list[tuple[int, ...]] = []
        if multiple:
            self.multiple = multiple

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(images.shape))
        return self.function(images)


def square(images: torch.Tensor) -> torch.Tensor:
    """Looks at each pixel alone."""
    return images[:, :1] ** 2 - images[:, 1:]


def ramp(images: torch.Tensor) -> torch.Tensor:
    """Adds 10 times the row and the column to the first channel."""
    rows = torch.arange(images.shape[2], device=images.device)[:, None]
    columns = torch.arange(images.shape[3], device=images.device)
    return images[:, :1] + 10 * rows + columns


def weigh(images: torch.Tensor) -> torch.Tensor:
    """Two numbers an image: its sum weighed by the column, and by the row."""
    columns = torch.arange(images.shape[3], dtype=torch.float32)
    rows = torch.arange(images.shape[2], dtype=torch.float32)[:, None]
    by_column, by_row = images * columns, images * rows
    return torch.stack([by_column.sum((1, 2, 3)), by_row.sum((1, 2, 3))], dim=1)


def predictor(model: nn.Module, output: Output = "image", **values: Any) -> Predictor:
    fields = ("activation", "inputs", "layout", "pipeline", "reader", "workers")
    kept = {key: values.pop(key) for key in fields if key in values}
    return Predictor(
        model=model,
        config=PredictConfig(**{"tta": "none"} | values),
        accelerator=make_accelerator(torch.device("cpu"), "fp32"),
        output=output,
        **{"reader": read, "pipeline": A.Compose([])} | kept,
    )


def predict(
    model: nn.Module, chosen: Sequence[Sample] | None = None, **values: Any
) -> dict[str, np.ndarray]:
    found = predictor(model, **values)(chosen or samples())
    return {sample.id: prediction for sample, prediction in found}


def test_pages_of_several_sizes_keep_their_order_and_their_own_size() -> None:
    found = list(predictor(Model(square), batch_size=2)(samples()))
    assert [sample.id for sample, _ in found] == list("abcdef")
    for sample, prediction in found:
        image = unit(sample.id)
        assert prediction.shape == (*SIZES[sample.id], 1)
        assert prediction.dtype == np.float32
        assert np.allclose(prediction, image[..., :1] ** 2 - image[..., 1:], atol=1e-6)


def test_only_neighbours_of_one_size_share_a_batch() -> None:
    model = Model(square)
    predict(model, batch_size=2)
    assert [shape[:1] + shape[2:] for shape in model.shapes] == [
        (1, 5, 7),
        (1, 9, 4),
        (2, 5, 7),
        (1, 9, 4),
        (1, 3, 3),
    ]


def test_a_batch_is_never_larger_than_asked_for() -> None:
    model = Model(square)
    chosen = [Sample(id="a", image=Path(str(i))) for i in range(5)]
    assert len(list(predictor(model, batch_size=2)(chosen))) == 5
    assert [shape[0] for shape in model.shapes] == [2, 2, 1]


def test_the_batch_size_changes_no_prediction() -> None:
    torch.manual_seed(0)
    model = nn.Conv2d(2, 1, 3, padding=1)
    one, three = predict(model, batch_size=1), predict(model, batch_size=3)
    assert all(np.allclose(one[i], three[i], atol=1e-6) for i in SIZES)


def test_no_samples_give_no_predictions() -> None:
    assert list(predictor(Model(square))([])) == []


@pytest.mark.parametrize("tta", ["hflip", "vflip", "flips", "turns", "dihedral"])
def test_flips_change_nothing_for_a_model_that_looks_at_each_pixel_alone(tta: str) -> None:
    plain, flipped = predict(Model(square), tta="none"), predict(Model(square), tta=tta)
    assert all(np.allclose(plain[i], flipped[i], atol=1e-6) for i in SIZES)


def test_a_model_that_knows_the_place_is_averaged_over_the_places_of_its_copies() -> None:
    height, width = 5, 7
    rows, columns = np.indices((height, width), dtype=np.float32)
    page = unit("a")[..., 0]
    none, hflip, flips = (
        predict(Model(ramp), samples("a"), tta=tta)["a"][..., 0]
        for tta in ("none", "hflip", "flips")
    )
    assert np.allclose(none, page + 10 * rows + columns, atol=1e-5)
    assert np.allclose(hflip, page + 10 * rows + (width - 1) / 2, atol=1e-5)
    assert np.allclose(flips, page + 10 * (height - 1) / 2 + (width - 1) / 2, atol=1e-5)


def test_quarter_turns_average_the_places_of_all_eight_copies() -> None:
    """Rows and columns change places in half of the copies, and the page is not square."""
    found = predict(Model(ramp, multiple=8), samples("a"), tta="dihedral")["a"][..., 0]
    as_it_is = 10 * (5 - 1) / 2 + (7 - 1) / 2
    transposed = 10 * (7 - 1) / 2 + (5 - 1) / 2
    assert np.allclose(found, unit("a")[..., 0] + (as_it_is + transposed) / 2, atol=1e-4)


class Weighing(nn.Module):
    """The mean of the image's first channel with each column's weight, times a feature."""

    def forward(self, features: torch.Tensor, images: torch.Tensor) -> torch.Tensor:
        columns = torch.arange(images.shape[3], dtype=torch.float32)
        return features * (images[:, :1] * columns).mean((1, 2, 3))[:, None]


def test_the_model_gets_its_inputs_in_their_order_and_only_the_image_is_flipped() -> None:
    def read_both(sample: Sample) -> Item:
        return {**read(sample), "features": np.array([1.0, ord(sample.id)], dtype=np.float32)}

    found = predict(
        Weighing(),
        output="numbers",
        reader=read_both,
        inputs=("features", "image"),
        tta="hflip",
        batch_size=2,
    )
    for i, (height, width) in SIZES.items():
        image = unit(i)[..., 0]
        columns = np.arange(width)
        weighed = (image * (columns + columns[::-1]) / 2).sum() / (height * width)
        assert found[i] == pytest.approx([weighed, ord(i) * weighed], rel=1e-5)


@pytest.mark.parametrize(
    ("tta", "copies"), [("none", 1), ("hflip", 2), ("flips", 4), ("dihedral", 8)]
)
def test_so_many_copies_are_predicted(tta: str, copies: int) -> None:
    model = Model(square)
    predict(model, samples("a"), tta=tta)
    assert len(model.shapes) == copies


def test_numbers_are_averaged_over_the_flipped_images() -> None:
    image = unit("a").sum(axis=2)
    rows, columns = np.indices(image.shape)
    by_column, by_row = (image * columns).sum(), (image * rows).sum()
    mirrored, upside_down = (image * (6 - columns)).sum(), (image * (4 - rows)).sum()
    none, hflip, flips = (
        predict(Model(weigh), samples("a"), output="numbers", tta=tta)["a"]
        for tta in ("none", "hflip", "flips")
    )
    assert none.shape == (2,)
    assert none == pytest.approx([by_column, by_row], rel=1e-5)
    assert hflip == pytest.approx([(by_column + mirrored) / 2, by_row], rel=1e-5)
    assert flips == pytest.approx(
        [(by_column + mirrored) / 2, (by_row + upside_down) / 2], rel=1e-5
    )


@pytest.mark.parametrize("tta", ["none", "flips"])
def test_padding_to_the_models_multiple_does_not_show(tta: str) -> None:
    model = Model(square, multiple=4)
    plain, padded = predict(Model(square), tta=tta), predict(model, tta=tta)
    assert all(shape[2] % 4 == 0 == shape[3] % 4 for shape in model.shapes)
    assert all(np.allclose(plain[i], padded[i], atol=1e-6) for i in SIZES)


def test_padding_repeats_the_last_row_and_column() -> None:
    seen = []

    def keep(images: torch.Tensor) -> torch.Tensor:
        seen.append(images.clone())
        return images

    predict(Model(keep, multiple=8), samples("a"))
    image = torch.from_numpy(unit("a")).permute(2, 0, 1)
    assert torch.allclose(seen[0][0, :, :5, :7], image)
    assert torch.allclose(seen[0][0, :, 5:, :7], image[:, 4:, :].expand(2, 3, 7))
    assert torch.allclose(seen[0][0, :, :5, 7:], image[:, :, 6:].expand(2, 5, 1))


def test_images_for_numbers_are_not_padded() -> None:
    model = Model(weigh, multiple=8)
    predict(model, samples("a"), output="numbers")
    assert model.shapes == [(1, 2, 5, 7)]


def test_the_activation_is_applied_to_each_copy_before_the_mean() -> None:
    found = predict(Model(ramp), samples("a"), tta="hflip", activation=lambda out: out.clamp(0, 5))
    rows, columns = np.indices((5, 7), dtype=np.float32)
    page = unit("a")[..., 0]
    copies = [page + 10 * rows + columns, page + 10 * rows + (6 - columns)]
    expected = np.mean([copy.clip(0, 5) for copy in copies], axis=0)
    assert np.allclose(found["a"][..., 0], expected, atol=1e-5)
    assert not np.allclose(found["a"][..., 0], np.mean(copies, axis=0).clip(0, 5), atol=0.1)


def test_large_pages_are_made_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SIZES, "z", (150, 90))
    model = Model(square, multiple=16)
    found = predict(model, samples("z"), tile=64, overlap=10, tta="hflip")
    image = unit("z")
    assert found["z"].shape == (150, 90, 1)
    assert np.allclose(found["z"], image[..., :1] ** 2 - image[..., 1:], atol=1e-5)
    assert set(model.shapes) == {(1, 2, 64, 64)}


def test_several_output_channels_come_last() -> None:
    found = predict(Model(lambda images: torch.cat([images, images[:, :1] * 2], dim=1)))
    image = unit("b")
    expected = np.concatenate([image, image[..., :1] * 2], axis=2)
    assert np.allclose(found["b"], expected, atol=1e-6)


def test_the_model_is_asked_in_evaluation_mode() -> None:
    model = nn.Sequential(nn.Conv2d(2, 1, 1), nn.Dropout(0.9), nn.BatchNorm2d(1))
    model.train()
    first, again = predict(model), predict(model)
    assert not model.training
    assert model[2].num_batches_tracked.item() == 0
    assert all(np.array_equal(first[i], again[i]) for i in SIZES)


def test_floats_are_taken_as_they_are() -> None:
    images = torch.rand(2, 2, 4, 4)
    out = predictor(Model(square)).batch(images)
    assert np.allclose(out[..., 0], square(images)[:, 0].numpy(), atol=1e-6)


def test_low_precision_gives_fp32_predictions_close_to_the_full_ones() -> None:
    torch.manual_seed(0)
    model = nn.Conv2d(2, 1, 3, padding=1)
    images = torch.rand(2, 2, 8, 8)
    full = predictor(model).batch(images)
    low = Predictor(
        model=model,
        reader=read,
        pipeline=A.Compose([]),
        config=PredictConfig(tta="none"),
        accelerator=make_accelerator(torch.device("cpu"), "bf16"),
        output="image",
    ).batch(images)
    assert low.dtype == np.float32
    assert not np.array_equal(low, full)
    assert np.allclose(low, full, atol=0.02)


def test_workers_and_layouts_change_no_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "CHUNKS_PER_WORKER", 1)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 1, 1))
    plain = predict(model, batch_size=2)
    by_workers = predict(model, batch_size=2, workers=2)
    layout = torch.channels_last
    last = predict(model.to(memory_format=layout), batch_size=2, layout=layout)  # type: ignore[call-overload]
    assert all(np.array_equal(plain[i], by_workers[i]) for i in SIZES)
    assert all(np.allclose(plain[i], last[i], atol=1e-6) for i in SIZES)


def test_a_signal_ends_whoever_reads_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = []

    def endless() -> Iterator[tuple[Sample, np.ndarray]]:
        try:
            while True:
                yield samples("a")[0], np.zeros(1, np.float32)
        finally:
            ended.append(True)

    def stop() -> None:
        raise Stopped(2)

    made = endless()  # a reference that outlives the error, as that of a traceback
    counted = with_progress(made, 0, 9, None)
    next(counted)
    monkeypatch.setattr(predicting, "stop_if_requested", stop)
    with pytest.raises(Stopped):
        next(counted)
    assert ended == [True]


@pytest.mark.gpu
@pytest.mark.parametrize(
    ("precision", "tolerance"), [("fp32", 1e-3), ("bf16", 2e-2), ("fp16", 5e-3)]
)
def test_the_gpu_predicts_what_the_cpu_does(precision: str, tolerance: float) -> None:
    torch.manual_seed(0)
    model = nn.Conv2d(2, 1, 3, padding=1)
    cpu = predict(model, tta="flips")
    on_gpu = Predictor(
        model=model.to("cuda"),
        reader=read,
        pipeline=A.Compose([]),
        config=PredictConfig(tta="flips"),
        accelerator=make_accelerator(torch.device("cuda"), precision),
        output="image",
    )
    for sample, prediction in on_gpu(samples()):
        assert prediction.dtype == np.float32
        assert np.allclose(prediction, cpu[sample.id], atol=tolerance)


@pytest.mark.parametrize("rows", [1, 2, 4])
def test_a_network_that_loses_samples_is_refused(rows: int) -> None:
    model = Model(lambda _: torch.zeros(rows, 2))
    with pytest.raises(RunError, match=f"predicts {rows} samples for a batch of 3"):
        predict(model, samples("acd"), output="numbers")
