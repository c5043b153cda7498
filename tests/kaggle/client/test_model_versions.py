"""Models by the real client: a model, its instance, and versions of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from kaggle_server import USER, KaggleServer
from kagglesdk.models.types.model_types import ModelInstanceVersion

from comp.errors import RefusedError, UnknownOutcomeError
from comp.kaggle.client.blobs import upload_blob
from comp.kaggle.client.dataset_versions import DatasetStatus
from comp.kaggle.client.kernels import KernelSpec, push_kernel
from comp.kaggle.client.model_versions import (
    ModelSpec,
    create_model_version,
    find_model_version,
    model_status,
)
from comp.kaggle.client.session import Kaggle

SPEC = ModelSpec(owner=USER, slug="comp-net", title="comp net")
REF = f"{USER}/comp-net"


@pytest.fixture
def files(kaggle: Kaggle, tmp_path: Path) -> dict[str, str]:
    return uploads(kaggle, tmp_path, "comp-1.txt")


def uploads(kaggle: Kaggle, folder: Path, tag: str) -> dict[str, str]:
    """Uploads, by path in the model."""
    found = {}
    for name in (tag, "weights/fold-0.bin"):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        found[name] = upload_blob(kaggle, path, "model")
    return found


def test_the_first_version_makes_the_model_and_its_instance(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    assert model_status(kaggle, SPEC) == DatasetStatus("absent")
    assert create_model_version(kaggle, SPEC, "run 1", files) == 1
    model = server.models.made[REF]
    assert model.body["isPrivate"] is True
    assert model.instance_bodies["default"]["licenseName"] == "Other"
    (version,) = model.instances["default"]
    assert set(version.files) == set(files)
    assert [model_status(kaggle, SPEC) for _ in range(2)] == [
        DatasetStatus("pending"),
        DatasetStatus("ready", 1),
    ]


def test_the_next_version_is_found_by_a_name(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str], tmp_path: Path
) -> None:
    create_model_version(kaggle, SPEC, "run 1", files)
    again = uploads(kaggle, tmp_path, "comp-2.txt")
    assert create_model_version(kaggle, SPEC, "run 2", again) is None
    assert [version.notes for version in server.models.made[REF].instances["default"]] == [
        "",
        "run 2",
    ]
    found = [find_model_version(kaggle, SPEC, f"comp-{n}") for n in (1, 2, 3)]
    assert found == [1, 2, None]
    assert server.count("CreateModel") == server.count("CreateModelInstance") == 1


def test_kaggle_tells_no_notes_of_versions() -> None:
    """A canary: with notes, no file with a tag in its name would be needed."""
    names = [field.field_name for field in ModelInstanceVersion._fields]
    assert [name for name in names if "note" in name] == []


def test_a_kernel_reads_a_model(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    server.models.polls = 0
    create_model_version(kaggle, SPEC, "run 1", files)
    kernel = {"owner": USER, "slug": "comp-pages", "title": "comp pages", "text": ""}
    push_kernel(kaggle, KernelSpec(**kernel, models=(SPEC.source(1),)))
    (pushed,) = server.kernels.pushes()
    assert set(pushed.datasets["comp-net"][1]) == set(files)


@pytest.mark.parametrize(
    "method", ["CreateModel", "CreateModelInstance", "CreateModelInstanceVersion"]
)
@pytest.mark.parametrize("kind", ["drop", "garbage"])
def test_what_makes_something_is_sent_once(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str], method: str, kind: str
) -> None:
    if method == "CreateModelInstanceVersion":
        create_model_version(kaggle, SPEC, "run 1", files)
    server.fail(method, kind, done=True)
    with pytest.raises(UnknownOutcomeError):
        create_model_version(kaggle, SPEC, "run 2", files)
    assert server.count(method) == 1


def test_a_lost_answer_is_settled_by_the_next_try(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    server.fail("CreateModel", "drop", done=True)
    with pytest.raises(UnknownOutcomeError):
        create_model_version(kaggle, SPEC, "run 1", files)
    assert create_model_version(kaggle, SPEC, "run 1", files) == 1
    assert server.count("CreateModel") == 1


def test_an_error_in_an_answer_of_200_is_a_refusal(
    server: KaggleServer, kaggle: Kaggle, files: dict[str, str]
) -> None:
    with pytest.raises(RefusedError, match="Failed to resolve"):
        create_model_version(kaggle, SPEC, "run 1", {"a": "no-such-token"})
    other = ModelSpec(owner="bob", slug="comp-net", title="comp net")
    with pytest.raises(RefusedError, match="no model of yours"):
        create_model_version(kaggle, other, "run 1", files)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"slug": "Comp Net"}, "cannot be the slug of a model"),
        ({"instance": "a_b"}, "cannot be the slug of a model instance"),
        ({"title": " "}, "needs a title and a licence"),
    ],
)
def test_names_that_kaggle_would_refuse_are_refused_before_the_upload(
    changed: dict[str, str], words: str
) -> None:
    with pytest.raises(RefusedError, match=words):
        ModelSpec(**({"owner": USER, "slug": "comp-net", "title": "comp net"} | changed))
