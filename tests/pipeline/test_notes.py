"""What is said of a run before it starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from toys import toy

from comp.contract.sample import Sample
from comp.data.images.cache import PreparedImages
from comp.data.location import DataSource, fingerprint
from comp.errors import RunError
from comp.pipeline.notes import mixed_groups_note, repeat_notes
from comp.pipeline.plugin_check import plugin_record
from comp.pipeline.run_inputs import RunInputs
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


def test_a_repeat_with_other_classes_is_refused(repeated: tuple[RunInputs, RunFolder]) -> None:
    inputs, folder = repeated
    record = {"run_id": "r0", "plugin": plugin_record(toy(classes=CLASSES[::-1]))}
    with pytest.raises(RunError, match="labels was well, sick, is sick, well"):
        repeat_notes(inputs, folder, record)
