"""Data sets by the real client, at a Kaggle with all of its rules and faults."""

from __future__ import annotations

from pathlib import Path

import pytest
from kaggle_server import TOKEN, USER, KaggleServer
from kagglesdk.datasets.types import dataset_enums

from comp.errors import AnswerError, RefusedError, UnknownOutcomeError
from comp.kaggle.client import dataset_versions
from comp.kaggle.client.blobs import upload_blob
from comp.kaggle.client.dataset_versions import (
    DataSetSpec,
    DatasetStatus,
    create_dataset,
    create_version,
    dataset_status,
    find_version,
    version_files,
)
from comp.kaggle.client.session import Kaggle

REF = f"{USER}/comp-weights"
SPEC = DataSetSpec(
    owner=USER, slug="comp-weights", title="comp weights", description="made by [comp:1]"
)


@pytest.fixture
def files(kaggle: Kaggle, tmp_path: Path) -> dict[str, str]:
    """Uploads, by path in the data set."""
    found = {}
    for name in ("predict.py", "weights/fold-0.bin", "weights/fold-1.bin"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name * 9)
        found[name] = upload_blob(kaggle, path, "dataset")
    return found


def make(kaggle: Kaggle, files: dict[str, str]) -> None:
    """A data set that is ready."""
    create_dataset(kaggle, SPEC, files)
    while dataset_status(kaggle, USER, SPEC.slug).state != "ready":
        pass


def test_a_new_data_set_is_private_and_has_its_folders(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    assert create_dataset(kaggle, SPEC, files) == 1
    made = server.data_sets.made[REF]
    assert made.private
    assert made.body["licenseName"] == "other"
    assert set(made.versions[0].files) == set(files)
    assert made.versions[0].files["weights/fold-1.bin"] == b"weights/fold-1.bin" * 9


def test_private_is_not_kaggles_default(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    """The canary of the fake: it is public if nothing is said."""
    public = DataSetSpec(owner=USER, slug="open-weights", title="open weights", private=False)
    create_dataset(kaggle, public, files)
    made = server.data_sets.made[f"{USER}/open-weights"]
    assert not made.private
    assert "isPrivate" not in made.body


def test_a_data_set_is_absent_then_pending_then_ready(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    assert dataset_status(kaggle, USER, SPEC.slug) == DatasetStatus("absent")
    server.data_sets.polls = 2
    create_dataset(kaggle, SPEC, files)
    seen = [dataset_status(kaggle, USER, SPEC.slug) for _ in range(3)]
    assert [(one.state, one.version) for one in seen] == [
        ("pending", None),
        ("pending", 1),
        ("ready", 1),
    ]


@pytest.mark.parametrize("status", [403, 404])
def test_kaggle_may_hide_what_is_not_there(
    server: KaggleServer, kaggle: Kaggle, status: int
) -> None:
    server.data_sets.absent_status = status
    assert dataset_status(kaggle, USER, SPEC.slug).state == "absent"
    assert find_version(kaggle, USER, SPEC.slug, "comp:1") is None


def test_other_refusals_are_not_an_absent_data_set(server: KaggleServer, kaggle: Kaggle) -> None:
    for method in ("GetDatasetStatus", "GetDataset"):
        server.fail(method, "status", status=401, body={"code": 401, "message": "who?"})
    with pytest.raises(RefusedError, match="not valid"):
        dataset_status(kaggle, USER, SPEC.slug)
    with pytest.raises(RefusedError, match="not valid"):
        find_version(kaggle, USER, SPEC.slug, "comp:1")


def test_a_data_set_that_kaggle_cannot_process_is_an_error(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    server.data_sets.fails, server.data_sets.polls = True, 0
    create_dataset(kaggle, SPEC, files)
    assert dataset_status(kaggle, USER, SPEC.slug) == DatasetStatus("error")


def test_a_state_that_nobody_knows_means_wait(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    create_dataset(kaggle, SPEC, files)
    server.fail("GetDatasetStatus", "status", status=200, body={"status": "ON_HOLIDAY"})
    assert dataset_status(kaggle, USER, SPEC.slug).state == "pending"


def test_the_states_are_those_of_the_sdk() -> None:
    """A canary: a new one would count as pending."""
    assert {state.name for state in dataset_enums.DatabundleVersionStatus} == {
        "NOT_YET_PERSISTED",
        "BLOBS_RECEIVED",
        "BLOBS_DECOMPRESSED",
        "BLOBS_COPIED_TO_SDS",
        "INDIVIDUAL_BLOBS_COMPRESSED",
        "REPROCESSING",
        *dataset_versions._STATES,
    }


def test_versions_are_found_by_their_notes(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    make(kaggle, files)
    assert create_version(kaggle, USER, SPEC.slug, "run 2 [comp:2]", files) is None
    found = [find_version(kaggle, USER, SPEC.slug, f"comp:{n}") for n in (1, 2, 3)]
    assert found == [1, 2, None]
    assert dataset_status(kaggle, USER, SPEC.slug) == DatasetStatus("pending", 2)


def test_a_new_version_has_only_the_files_that_it_names(
    kaggle: Kaggle, files: dict[str, str]
) -> None:
    make(kaggle, files)
    create_version(
        kaggle, USER, SPEC.slug, "x", {"weights/fold-0.bin": files["weights/fold-0.bin"]}
    )
    assert version_files(kaggle, USER, SPEC.slug) == {name: len(name) * 9 for name in files}
    while dataset_status(kaggle, USER, SPEC.slug).version != 2:
        pass
    assert set(version_files(kaggle, USER, SPEC.slug)) == {"weights/fold-0.bin"}
    assert set(version_files(kaggle, USER, SPEC.slug, 1)) == set(files)


def test_a_version_while_the_last_one_is_processed_is_refused_and_says_wait(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    create_dataset(kaggle, SPEC, files)
    with pytest.raises(RefusedError, match="still processed") as caught:
        create_version(kaggle, USER, SPEC.slug, "x", files)
    assert caught.value.status == 403
    assert len(server.data_sets.made[REF].versions) == 1
    assert server.count("CreateDatasetVersion") == 1


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"title": "short"}, "title of a data set must have 6 to 50 characters, 'short' has 5"),
        ({"title": "long " * 11}, "has 55"),
        ({"slug": "short"}, "slug of a data set must have 6 to 50"),
        ({"slug": "Comp_Weights"}, "small letters, digits, and single hyphens"),
        ({"slug": "comp--weights"}, "single hyphens"),
        ({"licence": ""}, "exactly one licence"),
        ({"licence": "CC0-1.0, other"}, "exactly one licence"),
    ],
)
def test_names_that_kaggle_would_refuse_are_refused_before_the_upload(
    changed: dict[str, str], words: str
) -> None:
    fine = {"owner": USER, "slug": "comp-weights", "title": "comp weights"}
    with pytest.raises(RefusedError, match=words):
        DataSetSpec(**(fine | changed))


def test_a_title_that_is_taken_is_a_refusal(kaggle: Kaggle, files: dict[str, str]) -> None:
    make(kaggle, files)
    with pytest.raises(RefusedError, match=r"already in use.*: choose another title"):
        create_dataset(kaggle, SPEC, files)


def test_an_error_in_an_answer_of_200_is_a_refusal(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    other = DataSetSpec(owner="bob", slug="comp-weights", title="comp weights")
    with pytest.raises(RefusedError, match="not allowed to create a dataset as this owner"):
        create_dataset(kaggle, other, files)
    with pytest.raises(RefusedError, match="Failed to resolve"):
        create_dataset(kaggle, SPEC, {"a.bin": "no-such-token"})
    assert not server.data_sets.made


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        ("drop", {"done": True}),
        ("drop", {}),
        ("status", {"status": 500, "done": True}),
        ("garbage", {"done": True}),
        ("status", {"status": 200, "body": {"status": "ok"}, "done": True}),
    ],
)
@pytest.mark.parametrize("method", ["CreateDataset", "CreateDatasetVersion"])
def test_what_makes_something_is_sent_once(
    server: KaggleServer,
    kaggle: Kaggle,
    files: dict[str, str],
    method: str,
    kind: str,
    how: dict[str, object],
) -> None:
    if method == "CreateDatasetVersion":
        make(kaggle, files)
    server.fail(method, kind, **how)
    calls = {
        "CreateDataset": lambda: create_dataset(kaggle, SPEC, files),
        "CreateDatasetVersion": lambda: create_version(kaggle, USER, SPEC.slug, "comp:2", files),
    }
    with pytest.raises(UnknownOutcomeError, match="unknown whether Kaggle did it"):
        calls[method]()
    assert server.count(method) == 1
    tag = "comp:1" if method == "CreateDataset" else "comp:2"
    assert (find_version(kaggle, USER, SPEC.slug, tag) is not None) == bool(how.get("done"))


def test_what_only_asks_is_asked_again(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str], waits: list[float]
) -> None:
    make(kaggle, files)
    for method in ("GetDatasetStatus", "GetDataset", "ListDatasetFiles"):
        server.fail(method, "drop")
    assert dataset_status(kaggle, USER, SPEC.slug).state == "ready"
    assert len(version_files(kaggle, USER, SPEC.slug)) == 3
    assert len(waits) == 3


def test_versions_that_kaggle_does_not_tell_are_no_missing_versions(
    server: KaggleServer, kaggle: Kaggle
) -> None:
    server.fail("GetDataset", "status", status=200, body={"ref": REF, "versions": None})
    with pytest.raises(AnswerError, match=r"look for the note 'comp:2' at .*comp-weights/versions"):
        find_version(kaggle, USER, SPEC.slug, "comp:2")


def test_no_message_has_the_token(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    server.fail(
        "CreateDataset", "status", status=200, body={"error": f"bad {TOKEN}", "status": "error"}
    )
    with pytest.raises(RefusedError, match=r"'bad \*\*\*'") as caught:
        create_dataset(kaggle, SPEC, files)
    assert TOKEN not in str(caught.value)


def test_files_over_many_pages(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comp.kaggle.client.pages.PAGE_SIZE", 2)
    make(kaggle, files)
    assert set(version_files(kaggle, USER, SPEC.slug)) == set(files)
    assert server.count("ListDatasetFiles") == 2
