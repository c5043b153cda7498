"""The whole audit, on drawn data and on real data where it is."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.data.audit.audit import Audit, audit
from comp.data.images.decode import read_gray, write_image
from comp.data.location import DataSource, locate_data
from comp.tasks.classification import image_classification
from comp.workspace import Workspace
from competitions.chest_xray import COMPETITION as CHEST
from competitions.denoising import COMPETITION as DENOISING
from competitions.digits import COMPETITION as DIGITS


@pytest.fixture(scope="module")
def chest(drawn: Callable[[Competition], Path]) -> Path:
    return drawn(CHEST)


@pytest.fixture
def chest_copy(chest: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(chest, tmp_path / "chest"))


@pytest.fixture
def pages_copy(pages: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(pages, tmp_path / "pages"))


def settings(competition: Competition, **given: Any) -> RunConfig:
    return resolve(competition.name, [competition.defaults, given], competition.options)


def audited(competition: Competition, root: Path, folds: int = 2, quick: bool = False) -> Audit:
    return audit(settings(competition, folds=folds), DataSource(root, False), quick=quick)


def bad(made: Audit) -> dict[str, tuple[str, ...]]:
    """The findings that are no notes."""
    return {f.kind: f.names for f in made.findings if f.severity != "note"}


def test_sound_drawn_radiographs_have_notes_alone(chest: Path) -> None:
    told: list[tuple[int, int]] = []
    compared: list[tuple[int, int]] = []
    made = audit(
        settings(CHEST),
        DataSource(chest, True),
        on_image=lambda done, total: told.append((done, total)),
        on_compared=lambda done, total: compared.append((done, total)),
    )
    assert bad(made) == {}
    assert made.ok
    assert {"classes", "images", "second-copy"} <= {f.kind for f in made.findings}
    assert (made.train, made.test, made.images) == (128, 40, 168)
    assert told[-1] == (168, 168)
    assert compared == [(168, 168)]


@pytest.mark.parametrize("quick", [False, True])
def test_images_that_are_rows_of_one_table_are_not_called_identical(
    drawn: Callable[[Competition], Path], quick: bool
) -> None:
    made = audited(DIGITS, drawn(DIGITS), quick=quick)
    assert made.ok
    assert not any(f.kind.startswith(("identical", "test-in-train")) for f in made.findings)


def test_only_a_quick_audit_does_not_compare_train_and_test(
    monkeypatch: pytest.MonkeyPatch, chest: Path
) -> None:
    monkeypatch.setattr("comp.data.audit.audit.measure_drifts", None)
    assert audited(CHEST, chest, quick=True).values()["drifts"] == []
    with pytest.raises(TypeError):
        audited(CHEST, chest)


def test_sound_drawn_pages_have_notes_alone(drawn: Callable[[Competition], Path]) -> None:
    made = audited(DENOISING, drawn(DENOISING))
    assert bad(made) == {}
    assert "shared-target" in {f.kind for f in made.findings}


def test_what_is_planted_among_radiographs_is_found_at_once(chest_copy: Path) -> None:
    normal, ill = chest_copy / "train/NORMAL", chest_copy / "train/PNEUMONIA"
    whole = next(
        path for path in normal.iterdir() if path.suffix == ".jpeg" and path.name[0] != "."
    )
    cut = whole.read_bytes()[: whole.stat().st_size // 2]
    tests = sorted(
        path for path in (chest_copy / "test/PNEUMONIA").iterdir() if path.name[0] != "."
    )
    shutil.copy(tests[0], ill / f"person9001_virus_1{tests[0].suffix}")
    image = cv2.imread(str(tests[4]), cv2.IMREAD_GRAYSCALE)
    cv2.imwrite(str(ill / "person9002_virus_1.jpeg"), image[:, ::-1])
    patient = tests[8].name.split("_")[0]
    copied = next(path for path in ill.iterdir() if path.name[0] != ".")
    shutil.copy(copied, ill / f"{patient}_virus_9{copied.suffix}")
    shutil.copy(copied, normal / f"IM-9003-0001{copied.suffix}")
    (normal / "IM-9004-0001.jpeg").write_bytes(b"")
    (normal / "IM-9005-0001.jpeg").write_bytes(b"not an image")
    (normal / "IM-9006-0001.jpeg").write_bytes(cut)
    Image.fromarray(image).convert("CMYK").save(normal / "IM-9007-0001.jpeg")
    found = bad(audited(CHEST, chest_copy))
    assert found["test-in-train"] == (
        f"test PNEUMONIA/{tests[0].name} = train train/PNEUMONIA/person9001_virus_1"
        f"{tests[0].suffix}",
    )
    assert any("person9002_virus_1.jpeg ~ test" in pair for pair in found["near-in-test"])
    assert any(", mirrored" in pair for pair in found["near-in-test"])
    assert found["group-in-both"] == (patient,)
    assert any("IM-9003-0001" in pair for pair in found["identical-other-label"])
    assert any(patient in pair for pair in found["identical-other-group"])
    assert found["empty-file"] == ("train/NORMAL/IM-9004-0001.jpeg",)
    assert found["unreadable"][0].startswith("train/NORMAL/IM-9005-0001.jpeg (")
    assert found["truncated"][0].startswith("train/NORMAL/IM-9006-0001.jpeg (")
    assert found["cmyk"] == ("train/NORMAL/IM-9007-0001.jpeg",)


def test_names_that_are_no_text_are_found_and_the_rest_is_looked_at(chest_copy: Path) -> None:
    for name in (b"caf\xe9.png", b"na\xefve.png"):
        try:
            (chest_copy / "train/PNEUMONIA" / os.fsdecode(name)).write_bytes(b"")
        except OSError:
            pytest.skip("this file system takes text alone")
    (chest_copy / "train/NORMAL/IM-9005-0001.jpeg").write_bytes(b"not an image")
    made = audited(CHEST, chest_copy)
    found = bad(made)
    assert found["bad-name"] == (
        r"train/PNEUMONIA/caf\xe9.png",
        r"train/PNEUMONIA/na\xefve.png",
    )
    assert rf"caf\xe9.png in {chest_copy}/train/PNEUMONIA" in found["samples"][0]
    assert found["unreadable"][0].startswith("train/NORMAL/IM-9005-0001.jpeg (")
    assert set(found) == {"bad-name", "samples", "unreadable"}
    json.dumps(made.values(), default=str).encode()


def test_a_test_page_in_train_is_found(pages_copy: Path) -> None:
    page = min((pages_copy / "test").iterdir())
    for folder in ("train", "train_cleaned"):
        shutil.copy(page, pages_copy / folder / "9999.png")
    made = audited(DENOISING, pages_copy)
    assert not made.ok
    assert bad(made)["test-in-train"] == (f"test {page.stem} = train 9999",)


def test_pages_that_the_competition_refuses_are_looked_at_all_the_same(pages_copy: Path) -> None:
    names = sorted(path.name for path in (pages_copy / "train").iterdir())
    (pages_copy / "train_cleaned" / names[0]).unlink()
    small = cv2.imread(str(pages_copy / "train" / names[1]), cv2.IMREAD_GRAYSCALE)[:-3]
    cv2.imwrite(str(pages_copy / "train" / names[1]), small)
    (pages_copy / "train" / names[2]).write_bytes(b"")
    page = min((pages_copy / "test").iterdir())
    shutil.copy(page, pages_copy / "train" / names[3])
    found = bad(audited(DENOISING, pages_copy))
    assert "train_cleaned/ (1 without one in all)" in found["samples"][0]
    assert set(found) == {"samples", "missing-twin", "size-mismatch", "empty-file", "test-in-train"}
    assert found["missing-twin"] == (f"train/{names[0]}",)
    assert found["size-mismatch"][0].startswith(f"{Path(names[1]).stem} (56 x ")
    assert found["empty-file"] == (f"train/{names[2]}",)
    assert found["test-in-train"] == (f"test {page.stem} = train {Path(names[3]).stem}",)


def test_a_sample_submission_that_does_not_fit_is_found(pages_copy: Path) -> None:
    path = pages_copy / "sampleSubmission.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    found = bad(audited(DENOISING, pages_copy))
    assert "do not match" in found["submission"][0]


def test_more_folds_than_a_class_has_members_are_found(chest: Path) -> None:
    found = bad(audited(CHEST, chest, folds=30))
    assert set(found) == {"small-class", "folds"}
    assert found["small-class"][0].startswith("NORMAL (")
    assert "would hold out only class 'PNEUMONIA'" in found["folds"][0]


def test_a_small_class_is_no_error_where_folds_need_not_have_it(chest: Path) -> None:
    made = audit(settings(CHEST, folds=30, scheme="grouped"), DataSource(chest, False))
    (small,) = (finding for finding in made.findings if finding.kind == "small-class")
    assert (made.ok, small.severity) == (True, "warning")
    assert "folds" not in {finding.kind for finding in made.findings}


def test_a_small_class_hides_no_other_fault_of_the_folds(chest: Path) -> None:
    found = bad(audit(settings(CHEST, folds=30, scheme="stratified"), DataSource(chest, False)))
    assert set(found) == {"small-class", "folds"}
    assert "would leak" in found["folds"][0]
    assert "patients" in bad(audited(CHEST, chest, folds=500))["folds"][0]


def test_a_small_class_of_several_is_a_warning_and_its_members_are_spread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = leaves_of(tmp_path, monkeypatch)
    header, *rows = (tmp_path / "train.csv").read_text().split()
    scabs = [row for row in rows if row.split(",")[1] == "scab"]
    left = [row for row in rows if row not in scabs[1:]]
    (tmp_path / "train.csv").write_text("\n".join([header, *left]) + "\n")

    made = audited(leaves, tmp_path, folds=5)
    (small,) = (finding for finding in made.findings if finding.kind == "small-class")
    assert (made.ok, small.severity, small.names) == (True, "warning", ("scab (1)",))

    made = audit(
        settings(leaves, folds=5, scheme="stratified-grouped"), DataSource(tmp_path, False)
    )
    (error,) = (finding for finding in made.findings if finding.severity == "error")
    assert (error.kind, error.names) == ("small-class", ("scab (1)",))
    assert error.advice.startswith("set scheme=auto")


def test_external_copies_of_images_are_found(chest: Path, tmp_path: Path) -> None:
    (own, second, *_), (tested, *_) = (CHEST.samples(chest, s) for s in ("train", "test"))
    external = [
        replace(own, id="external-1/a", group="someone", train_only=True),
        replace(own, id="external-1/b", image=tested.image, group="another", train_only=True),
        replace(second, id="external-1/c", train_only=True),
    ]
    made = audit(settings(CHEST), DataSource(chest, False), external=external, quick=True)
    assert made.train == 131
    assert bad(made) == {
        "test-in-train": (f"test {tested.id} = train external-1/b",),
        "identical-other-group": (f"{own.id} = external-1/a",),
    }
    (leak,) = (f for f in made.findings if f.kind == "identical-other-group")
    assert "the 5 folds of a run separate 1 of these 1 pairs" in leak.words


def test_folds_that_cannot_be_dealt_are_found(pages: Path) -> None:
    found = bad(audited(DENOISING, pages, folds=7))
    assert set(found) == {"folds"}
    assert "only 4 clean pages" in found["folds"][0]


def leaves_of(root: Path, monkeypatch: pytest.MonkeyPatch) -> Competition:
    """A plugin of the usual form, with drawn data: 60 images `train<i>` in 20 groups of 3."""
    leaves = image_classification(
        name="leaves",
        title="Leaf Diseases",
        kaggle="competitions/leaf-diseases",
        classes=("healthy", "rust", "scab"),
        group_column="plant",
    )
    leaves.draw_synthetic(root, np.random.default_rng(0))
    monkeypatch.setattr(registry, "get", lambda _name: leaves)
    return leaves


def test_all_faults_of_a_table_are_found_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = leaves_of(tmp_path, monkeypatch)
    assert set(bad(audited(leaves, tmp_path))) == {"group-of-classes"}  # drawn so
    header, *rows = (tmp_path / "train.csv").read_text().splitlines()
    cells = [row.split(",") for row in rows]
    for i in range(20):
        cells[i][1] = "rsut"
    cells[20][1] = ""
    cells[21][2] = ""
    lost, twice = cells[22][0], cells[23][0]
    (path,) = (path for path in (tmp_path / "train").iterdir() if path.stem == Path(lost).stem)
    path.unlink()
    lines = [header, *(",".join(row) for row in [*cells, cells[23], ["", "scab", "group1"]])]
    (tmp_path / "train.csv").write_text("\n".join(lines))
    names = [path.name for path in sorted((tmp_path / "test").iterdir())]
    (tmp_path / "test" / names[0]).unlink()
    found = bad(audited(leaves, tmp_path))
    assert found["bad-label"] == tuple(f"{row[0]} (rsut)" for row in cells[:20])
    assert found["no-label"] == (cells[20][0],)
    assert found["no-group"] == (cells[21][0],)
    assert found["duplicate-id"] == (f"{twice} (2 times)",)
    assert found["no-id"] == ("row 62",)
    assert [Path(name).parts[0] for name in found["missing-file"]] == ["train", "test"]
    faults = {"bad-label", "no-label", "no-group", "duplicate-id", "no-id", "missing-file"}
    assert set(found) == faults | {"group-of-classes"}


@pytest.mark.parametrize("quick", [True, False])
def test_a_fault_of_columns_is_told_before_an_image_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: bool
) -> None:
    """All images were hashed first: half a minute for 17,000 of them."""
    leaves = leaves_of(tmp_path, monkeypatch)
    table = (tmp_path / "train.csv").read_text()
    (tmp_path / "train.csv").write_text(table.replace("label", "disease"))
    inspected: list[int] = []
    made = audit(
        settings(leaves),
        DataSource(tmp_path, False),
        quick=quick,
        on_image=lambda done, _total: inspected.append(done),
    )
    (finding,) = made.findings
    assert "has no column 'label', only id, disease, plant" in finding.names[0]
    assert finding.words.endswith("cannot be read; labels and images were not checked")
    assert (made.ok, made.images, inspected) == (False, 0, [])


def test_errors_of_labels_are_told_before_an_image_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = leaves_of(tmp_path, monkeypatch)
    table = (tmp_path / "train.csv").read_text()
    (tmp_path / "train.csv").write_text(table.replace("rust", "rsut"))
    told: list[Any] = []
    made = audit(
        settings(leaves),
        DataSource(tmp_path, False),
        quick=True,
        on_image=lambda *_: told.append("image"),
        on_errors=told.extend,
    )
    bad_label = told[0]
    assert bad_label.kind == "bad-label"
    assert bad_label.advice.endswith("or the classes of the plugin (healthy, rust, scab)")
    assert "image" in told
    (classes,) = (f.names for f in made.findings if f.kind == "classes")
    assert classes == ("healthy = label 0: 20 (33.3%)", "scab = label 2: 20 (33.3%)")


@pytest.mark.parametrize(
    ("name", "kind"), [("x" * 5000, "unreadable"), ("a\0b", "missing-file")], ids=["long", "odd"]
)
def test_an_id_that_can_be_the_name_of_no_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, kind: str
) -> None:
    leaves = leaves_of(tmp_path, monkeypatch)
    with (tmp_path / "train.csv").open("a") as stream:
        stream.write(f"{name},rust,group1\n")
    assert kind in bad(audited(leaves, tmp_path))


def test_a_quick_audit_finds_copies_by_their_bytes(chest_copy: Path) -> None:
    source = next(p for p in (chest_copy / "test/NORMAL").iterdir() if p.name[0] != ".")
    shutil.copy(source, chest_copy / "train/NORMAL" / f"IM-9001-0001{source.suffix}")
    (chest_copy / "train/NORMAL/IM-9002-0001.jpeg").write_bytes(b"not an image")
    made = audited(CHEST, chest_copy, quick=True)
    assert set(bad(made)) == {"test-in-train"}
    assert made.quick


def test_its_values_are_json(pages: Path) -> None:
    values = json.loads(json.dumps(audited(DENOISING, pages).values(), default=str))
    assert values["ok"] is True
    assert (values["errors"], values["warnings"]) == (0, 0)
    assert values["notes"] == len(values["findings"]) > 0
    assert set(values["findings"][0]) == {
        "kind",
        "severity",
        "count",
        "names",
        "words",
        "advice",
    }


def test_its_values_name_all_that_was_found(chest_copy: Path) -> None:
    for i in range(16):
        (chest_copy / f"train/NORMAL/IM-90{i}-0001.jpeg").write_bytes(b"")
    values = audited(CHEST, chest_copy, quick=True).values()
    (empty,) = (finding for finding in values["findings"] if finding["kind"] == "empty-file")
    assert (empty["count"], len(empty["names"])) == (16, 16)


def real(competition: Competition, variable: str, tmp_path: Path) -> Audit:
    place = os.environ.get(variable)
    if not place or not Path(place).exists():
        pytest.skip(f"{variable} names no data")
    source = locate_data(competition, Workspace.at(tmp_path), Path(place), synthetic=False)
    return audit(settings(competition), source)


def test_the_real_pages_are_sound(tmp_path: Path) -> None:
    made = real(DENOISING, "COMP_DENOISING_DATA", tmp_path)
    assert bad(made) == {}
    assert "shared-target" in {f.kind for f in made.findings}


def test_the_real_radiographs_have_identical_images_of_one_patient(tmp_path: Path) -> None:
    made = real(CHEST, "COMP_CHEST_DATA", tmp_path)
    assert made.ok
    counts = {f.kind: f.count for f in made.findings}
    assert counts["identical-in-group"] >= 20
    assert counts.get("near-in-test", 0) + counts.get("near-other-group", 0) < 50


def test_masks_may_be_blank_and_equal(tmp_path: Path) -> None:
    """Two samples share an empty mask; that is no reason for one group."""
    competition = registry.get("salt")
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    names = [sample.id for sample in competition.samples(tmp_path, "train")][:2]
    for name in names:
        mask = tmp_path / "train" / "masks" / f"{name}.png"
        write_image(mask, np.zeros_like(read_gray(mask)))
    kinds = {finding.kind for finding in audited(competition, tmp_path).findings}
    assert not kinds & {"blank", "target-other-group", "shared-target"}
