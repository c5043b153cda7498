"""How test images are found: inferred from the public test, and tried on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from comp.bundle.describe_data import describe_data, table_of
from comp.bundle.parts.samples import list_images
from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.errors import RunError
from comp.tasks.binary import binary
from comp.tasks.classification import classifier
from comp.tasks.image_table import image_table

BIRDS = {"name": "birds", "title": "Birds", "kaggle": "competitions/rare-birds"}


def own(samples: dict[str, str], **fields: Any) -> Competition:
    """A plugin with a listing of its own: id -> path below the data."""

    def listed(root: Path, _split: Split) -> Sequence[Sample]:
        return [Sample(id=name, image=root / path) for name, path in samples.items()]

    more = {"sample_submission": "sample.csv", "layout": ("test",)} | fields
    return classifier(
        task=binary(("no", "yes")), samples=listed, draw_synthetic=_draw_nothing, **BIRDS, **more
    )


def _draw_nothing(_root: Path, _rng: Any) -> None:
    """No test draws data."""


def make(root: Path, files: Sequence[str], rows: Sequence[str]) -> None:
    """Empty images, and a sample submission."""
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    text = "".join(f"{row},0\n" for row in rows)
    (root / "sample.csv").write_text(f"id,label\n{text}", encoding="utf-8")


def described(root: Path, competition: Competition) -> dict[str, Any]:
    """The section, without what does not depend on the images."""
    data = describe_data(competition, root, competition.samples(root, "test"))
    assert data["slug"] == "rare-birds"
    return {name: data[name] for name in ("ids", "folders", "before", "after", "anywhere")}


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("test/7.png", "test/07.jpg"), {"folders": ["test"]}),
        (("test/img_7.png", "test/img_07.png"), {"folders": ["test"], "before": "img_"}),
        (("test/7-x.png", "test/07-x.png"), {"folders": ["test"], "after": "-x"}),
        (("one/7.png", "two/07.png"), {"folders": ["one", "two"]}),
        (("test/x/7.png", "test/y/07.png"), {"folders": ["test"], "anywhere": True}),
        (
            ("test/x/p7.png", "test/y/p07.png"),
            {"folders": ["test"], "before": "p", "anywhere": True},
        ),
        (("7.png", "07.png"), {"folders": ["."]}),
    ],
)
def test_patterns_of_paths(tmp_path: Path, paths: Sequence[str], expected: Any) -> None:
    competition = own(dict(zip(("7", "07"), paths, strict=True)))
    make(tmp_path, paths, ["7", "07"])
    plain = {"ids": "(.*)", "before": "", "after": "", "anywhere": False}
    assert described(tmp_path, competition) == plain | expected


def test_many_folders_are_not_named_but_searched(tmp_path: Path) -> None:
    samples = {f"x{n}": f"test/{n}/x{n}.png" for n in range(150)}
    make(tmp_path, [*samples.values()], [*samples])
    found = described(tmp_path, own(samples))
    assert found["folders"] == ["test"]
    assert found["anywhere"]


def test_the_hidden_test_may_have_folders_that_the_public_test_has_not(tmp_path: Path) -> None:
    samples = {"a": "test/x/a_img.png", "b": "test/y/b_img.png"}
    make(tmp_path, [*samples.values(), "test/z/c_img.png"], [*samples])
    competition = own(samples)
    data = describe_data(competition, tmp_path, competition.samples(tmp_path, "test"))
    make(tmp_path, [], ["c", "a"])
    found = [image.path.name for image in list_images(tmp_path, data)]
    assert found == ["c_img.png", "a_img.png"]


def test_folders_with_the_same_names_are_listed(tmp_path: Path) -> None:
    samples = {"a": "test/x/a.png", "b": "test/y/b.png"}
    make(tmp_path, [*samples.values(), "test/mask/a.png"], [*samples])
    assert described(tmp_path, own(samples))["folders"] == ["test/x", "test/y"]


def test_ids_with_folders_in_them(tmp_path: Path) -> None:
    samples = {"a/1": "test/a/1.png", "b/1": "test/b/1.png"}
    make(tmp_path, [*samples.values()], [*samples])
    assert described(tmp_path, own(samples))["folders"] == ["test"]


@pytest.mark.parametrize(
    ("rows", "form"),
    [
        (["b_1_1", "b_1_2", "a_1_1"], r"(.*)_\d+_\d+"),
        (["a_no", "a_yes", "b_no", "b_yes"], "(.*?)[_-](?:yes|no)"),
        (["a_1", "a_2", "b_1"], r"(.*)_\d+"),
    ],
)
def test_several_rows_of_an_image(tmp_path: Path, rows: Sequence[str], form: str) -> None:
    samples = {"a": "test/a.png", "b": "test/b.png"}
    make(tmp_path, [*samples.values()], rows)
    assert described(tmp_path, own(samples))["ids"] == form


@pytest.mark.parametrize(
    ("samples", "rows"),
    [
        ({"a": "test/1.png", "b": "test/2.png"}, ["a", "b"]),  # another table names the images
        ({"a": "test/a.png", "b": "test/a.png"}, ["a", "b"]),
        ({"a": "test/a.png", "b": "test/b.png"}, ["x", "y"]),
    ],
)
def test_what_is_not_known_is_refused(tmp_path: Path, samples: Any, rows: Sequence[str]) -> None:
    make(tmp_path, [*samples.values()], rows)
    with pytest.raises(RunError, match=r"do not follow from their ids .* use --wheels"):
        described(tmp_path, own(samples))


def test_a_public_test_without_images_is_refused(tmp_path: Path) -> None:
    make(tmp_path, [], [])
    with pytest.raises(RunError, match="the public test has no images"):
        described(tmp_path, own({}))


def test_images_outside_the_data_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "data"
    root.mkdir()
    make(root, [], ["a"])
    with pytest.raises(RunError, match="test images are outside the data"):
        described(root, own({"a": "../a.png"}))


def test_without_a_sample_submission_all_images_must_be_the_test(tmp_path: Path) -> None:
    samples = {"a/1.png": "test/a/1.png", "b.png": "test/b.png"}
    make(tmp_path, [*samples.values()], [])
    competition = own(samples, sample_submission=None)
    found = described(tmp_path, competition)
    assert found["ids"] == "path"
    assert found["folders"] == ["test"]
    (tmp_path / "test" / "c.png").touch()
    with pytest.raises(RunError, match="do not follow"):
        described(tmp_path, competition)
    stems = {"a/1": "test/a/1.png", "b": "test/b.png", "c": "test/c.png"}
    assert described(tmp_path, own(stems, sample_submission=None))["ids"] == "stem"


def test_a_table_of_images_keeps_the_patterns_of_its_folders(tmp_path: Path) -> None:
    competition = image_table(
        task=binary(("no", "yes")),
        test_images="part_*",
        sample_submission="sample.csv",
        submission_id="id",
        **BIRDS,
    )
    make(tmp_path, ["part_1/a.png", "part_2/b.png"], ["b", "a"])
    test = competition.samples(tmp_path, "test")
    data = describe_data(competition, tmp_path, test)
    assert data["folders"] == ["part_*"]
    assert data["id_column"] == "id"
    assert data["header"] == ["id", "label"]
    make(tmp_path, ["part_9/c.png", "part_9/d.PNG"], ["c", "d.png"])  # the public test has no .PNG
    assert [image.path.name for image in list_images(tmp_path, data)] == ["c.png", "d.PNG"]


def test_only_rows_of_a_table_have_a_table() -> None:
    competition = image_table(task=binary(("no", "yes")), **BIRDS)
    assert table_of(competition) is not None
    assert table_of(replace(competition, rows=_own_rows)) is None


def _own_rows(sample: Sample, _prediction: Any, _decision: Any) -> Any:
    return {"id": [sample.id]}
