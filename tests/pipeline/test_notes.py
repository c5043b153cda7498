"""What is said of a run before it starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from toys import toy

from comp.config.estimators import GbdtConfig
from comp.config.schema import RunConfig, resolve
from comp.contract.sample import Sample
from comp.data.fingerprint import fingerprint
from comp.data.images.prepared import PreparedImages
from comp.data.location import DataSource
from comp.errors import DataError, RunError
from comp.models.weights import WeightsOrigin
from comp.pipeline.notes import (
    empty_classes_note,
    few_rows_note,
    many_rows_note,
    missing_groups_note,
    mixed_groups_note,
    random_weights_note,
    repeat_notes,
    turned_test_note,
    unused_preset_note,
)
from comp.pipeline.plugin_check import plugin_record
from comp.pipeline.run_inputs import RunInputs
from comp.pipeline.sample_check import check_samples
from comp.runs.folder import RunFolder

CLASSES = ("sick", "well")
PATIENTS, GROUPS = toy(classes=CLASSES, group="patient"), toy(classes=CLASSES)


def sample(name: str, group: str | None, stratum: str | None) -> Sample:
    target = None if stratum is None else float(CLASSES.index(stratum))
    return Sample(id=name, image=Path(name), group=group, stratum=stratum, target=target)


def test_a_group_in_two_classes_is_reported() -> None:
    found = [
        sample("a", "p1", "sick"),
        sample("b", "p1", "well"),
        sample("c", "p2", "sick"),
        sample("d", "p2", "sick"),
        sample("e", None, "well"),
    ]
    words = mixed_groups_note(PATIENTS, found)
    assert words.startswith("1 patient has samples of more than one class, the first is p1 (sick, ")


def test_several_such_groups_are_counted() -> None:
    found = [sample(f"{p}{s}", p, s) for p in ("p2", "p1") for s in ("sick", "well")]
    assert mixed_groups_note(GROUPS, found).startswith("2 groups have samples")
    assert "the first is p1" in mixed_groups_note(GROUPS, found)


def test_nothing_is_said_of_groups_of_one_class_or_of_samples_without_one() -> None:
    assert mixed_groups_note(PATIENTS, [sample("a", "p", "sick"), sample("b", "p", "sick")]) == ""
    assert mixed_groups_note(PATIENTS, [sample("a", None, "sick"), sample("b", None, "well")]) == ""
    assert mixed_groups_note(PATIENTS, [sample("a", "p", None), sample("b", "p", None)]) == ""


def test_the_labels_of_the_targets_count_without_strata() -> None:
    found = [Sample(id=str(i), image=Path(), group="p", target=float(i)) for i in range(2)]
    assert "p (sick, well)" in mixed_groups_note(PATIENTS, found)


def test_samples_without_a_group_beside_samples_with_one_are_counted() -> None:
    """Blank cells of the column of groups became groups of their own, without a word."""
    found = [sample("a", "p", None), sample("b", None, None), sample("c", None, None)]
    note = missing_groups_note(PATIENTS, found)
    assert note.startswith("2 of 3 training samples have no patient, the first is b: each counts")
    assert "have no group" in missing_groups_note(GROUPS, found)
    assert missing_groups_note(PATIENTS, found[:1]) == ""
    assert missing_groups_note(GROUPS, found[1:]) == ""
    extra = replace(found[1], train_only=True)
    assert missing_groups_note(PATIENTS, [found[0], extra]) == ""
    units = [replace(found[0], unit="u"), replace(found[1], unit="u")]
    assert missing_groups_note(PATIENTS, units) == ""


def test_a_competition_of_groups_whose_samples_have_none_is_told() -> None:
    """A pattern that matches no name made folds without groups, and nothing was said."""
    found = [sample("b", None, None), sample("c", None, None)]
    note = missing_groups_note(PATIENTS, found)
    assert note.startswith("no training sample has a patient, the first is b: one patient may be")
    given = [replace(each, fold=number) for number, each in enumerate(found)]
    assert missing_groups_note(PATIENTS, given) == ""


def test_a_class_without_samples_is_told_and_a_single_class_is_refused() -> None:
    several = toy(classes=("sick", "well", "unknown"))
    found = [sample("a", None, "sick"), sample("b", None, "well")]
    note = empty_classes_note(several, found)
    assert note.startswith("classes without a training sample: 1, the first is unknown; check the")
    assert empty_classes_note(GROUPS, found) == ""
    assert empty_classes_note(toy(), [Sample(id="a", target=1.5)]) == ""
    check_samples(
        GROUPS,
        [Sample(id=str(i), target=float(i % 2)) for i in range(3)],
        [],
        ignore_empty_files=False,
    )
    with pytest.raises(DataError, match="the only class of the training samples: 1, the first is"):
        check_samples(
            GROUPS, [Sample(id=str(i), target=0.0) for i in range(3)], [], ignore_empty_files=False
        )


def test_test_images_with_an_orientation_are_told_if_no_training_image_has_one(
    tmp_path: Path,
) -> None:
    """Their run lengths are those of the turned image, and nothing was said."""
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("upright", "turned"):
        found = exif if name == "turned" else Image.Exif()
        Image.new("L", (6, 4)).save(tmp_path / f"{name}.png", exif=found)
    upright, turned = (
        [Sample(id=name, image=tmp_path / f"{name}.png")] for name in ("upright", "turned")
    )
    masks = toy(rle_columns=("runs",))
    note = turned_test_note(masks, upright, [*upright, *turned])
    assert note.startswith("1 test images have an EXIF orientation, the first is turned.png, and")
    assert turned_test_note(masks, turned, turned) == ""
    assert turned_test_note(masks, upright, upright) == ""
    assert turned_test_note(toy(), upright, turned) == ""


@pytest.fixture
def repeated(tmp_path: Path) -> tuple[RunInputs, RunFolder]:
    """Inputs of a run with one image, and its folder."""
    (tmp_path / "a.png").write_bytes(b"pixels")
    train = [Sample(id="a", image=tmp_path / "a.png", target=0.0)]
    inputs = RunInputs(
        competition=PATIENTS,
        config=None,  # type: ignore[arg-type]
        source=DataSource(tmp_path, False),
        train=train,
        test=[],
        folds={"a": 0},
        folds_to_train=[0],
        device="cpu",
        precision="fp32",
        images=PreparedImages(),
        external=[],
        weights_origin=None,
    )
    folder = RunFolder(tmp_path)
    folder.update_record(data_fingerprint=fingerprint(train))
    return inputs, folder


def test_random_weights_are_told_and_more_so_if_some_are_frozen(
    repeated: tuple[RunInputs, RunFolder],
) -> None:
    inputs, _ = repeated
    config = RunConfig(competition="toy", backbone="resnet18")
    random = replace(inputs, config=config, weights_origin=WeightsOrigin("none"))
    assert "resnet18 starts from random weights" in random_weights_note(random)
    assert "freeze" not in random_weights_note(random)
    frozen = replace(random, config=config.model_copy(update={"freeze": -2}))
    assert "freeze = -2 keeps random weights" in random_weights_note(frozen)
    loaded = replace(frozen, weights_origin=WeightsOrigin("file", "resnet18.safetensors"))
    assert random_weights_note(loaded) == random_weights_note(inputs) == ""


def test_trees_that_cannot_split_so_few_rows_are_told(
    repeated: tuple[RunInputs, RunFolder],
) -> None:
    inputs, _ = repeated
    train = [Sample(id=str(i), image=None, target=float(i)) for i in range(48)]
    folds = {sample.id: i % 2 for i, sample in enumerate(train)}
    config = RunConfig(competition="toy", model=["gbdt"])
    few = replace(inputs, train=train, folds=folds, config=config)
    assert "gbdt cannot split 24 training rows" in few_rows_note(few)
    assert few_rows_note(few).endswith("set gbdt.min_leaf=3")
    smaller = config.model_copy(update={"gbdt": GbdtConfig(min_leaf=12)})
    assert few_rows_note(replace(few, config=smaller)) == ""
    linear = config.model_copy(update={"model": ["linear"]})
    assert few_rows_note(replace(few, config=linear)) == ""


def test_neighbours_that_are_left_out_are_told(
    repeated: tuple[RunInputs, RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Above 100,000 rows a random part was kept, without a word."""
    inputs, _ = repeated
    train = [Sample(id=str(i), image=None, target=float(i)) for i in range(48)]
    folds = {sample.id: i % 2 for i, sample in enumerate(train)}
    config = RunConfig(competition="toy", model=["gbdt", "knn"])
    many = replace(inputs, train=train, folds=folds, config=config)
    assert many_rows_note(many) == ""
    monkeypatch.setattr("comp.pipeline.notes.MOST_ROWS", 20)
    assert many_rows_note(many).startswith("knn keeps 20 of the 24 training rows of a fold, drawn")
    trees = config.model_copy(update={"model": ["gbdt"]})
    assert many_rows_note(replace(many, config=trees)) == ""


def test_a_repeat_on_the_same_data_needs_no_word(repeated: tuple[RunInputs, RunFolder]) -> None:
    inputs, folder = repeated
    record = {
        "run_id": "r0",
        "data_fingerprint": folder.record()["data_fingerprint"],
        "plugin": plugin_record(PATIENTS),
    }
    assert repeat_notes(inputs, folder, record) == []
    assert repeat_notes(inputs, folder, {}) == []


def test_a_repeat_on_other_data_is_told(repeated: tuple[RunInputs, RunFolder]) -> None:
    inputs, folder = repeated
    (note,) = repeat_notes(inputs, folder, {"run_id": "r0", "data_fingerprint": "other"})
    assert "is not that of run r0" in note


def test_a_repeat_with_other_threads_is_told(repeated: tuple[RunInputs, RunFolder]) -> None:
    inputs, folder = repeated
    assert repeat_notes(inputs, folder, {"run_id": "r0", "device": inputs.device}) == []
    (note,) = repeat_notes(inputs, folder, {"run_id": "r0", "device": "cpu (99 threads)"})
    assert f"trained on cpu (99 threads), this one trains on {inputs.device}" in note


def test_a_repeat_with_other_classes_is_refused(repeated: tuple[RunInputs, RunFolder]) -> None:
    inputs, folder = repeated
    record = {"run_id": "r0", "plugin": plugin_record(toy(classes=CLASSES[::-1]))}
    with pytest.raises(RunError, match="labels was well, sick, is sick, well"):
        repeat_notes(inputs, folder, record)


def test_a_preset_without_augmentation_is_reported() -> None:
    config = resolve("toy", [{"augment": {"preset": "strong"}, "loader": {"augment": False}}])
    assert "does nothing, because loader.augment = false" in unused_preset_note(config, "images")
    assert unused_preset_note(config, "rows").endswith("does nothing: the samples are rows")
    plain = [{"loader": {"augment": False}}, {"augment": {"preset": "strong"}}]
    assert [unused_preset_note(resolve("toy", [layer]), "images") for layer in plain] == ["", ""]
