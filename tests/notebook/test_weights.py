"""Weights on Kaggle: one version for one bundle, and nothing is pushed before it is ready."""

from __future__ import annotations

import pytest
from kaggle_server import KaggleServer
from notebook_desk import RUN, NotebookDesk, make_bundle
from short_limits import skip_waits

NAME = f"ada/comp-denoising-{RUN}"


def names(server: KaggleServer) -> list[str]:
    return [seen.name for seen in server.requests]


def test_the_notebook_is_pushed_when_the_data_set_is_ready(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.data_sets.polls = 4
    done = desk.here()
    assert done.code == 0
    assert "waiting     until the data set is ready" in done.said.text
    asked = names(server)
    made = asked.index("CreateDataset")
    assert asked[made : asked.index("SaveKernel")].count("GetDatasetStatus") > 4
    (pushed,) = server.kernels.pushes()
    assert pushed.datasets[NAME.split("/")[1]][0] == 1


def test_other_weights_of_the_run_are_another_version(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    assert desk.here().code == 0
    (desk.bundle / "predict.py").write_text("other")
    for path in sorted(desk.bundle.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    make_bundle(desk.bundle, predict="print('half precision')\n")
    again = desk.here()
    assert again.code == 0, again.error
    (made,) = server.data_sets.made.values()
    assert len(made.versions) == 2
    assert [v.datasets[made.slug][0] for v in server.kernels.pushes()] == [1, 2]


def test_an_older_version_with_the_same_bundle_is_not_what_a_notebook_sees(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    assert desk.here().code == 0
    (made,) = server.data_sets.made.values()
    other = {"manifest.json": b'{"id": "other"}'}
    made.versions.append(type(made.versions[0])(2, "somebody's", other))
    again = desk.here(force=True)
    assert again.code == 0
    assert len(made.versions) == 3
    assert made.versions[2].files == made.versions[0].files
    assert server.kernels.pushes()[-1].datasets[made.slug][0] == 3


def test_an_interrupted_attempt_does_not_run_on_a_newer_bundle(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.fail("SaveKernel", "drop")
    assert desk.here().code == 4
    lines = desk.ledger.path.read_text().splitlines(keepends=True)
    desk.ledger.path.write_text("".join(lines[:-1]))  # killed before the push was written
    (made,) = server.data_sets.made.values()
    made.versions.append(type(made.versions[0])(2, "another", {"manifest.json": b"{}"}))
    refused = desk.here()
    assert refused.code == 3
    assert "begin again with --force" in str(refused.error)
    assert server.kernels.pushes() == []
    assert desk.here(force=True).code == 0
    assert desk.made() == (3, 1, 1)


def test_a_version_that_kaggle_cannot_process_is_refused_and_sent_again(
    desk: NotebookDesk, server: KaggleServer
) -> None:
    server.data_sets.fails = True
    failed = desk.here()
    assert failed.code == 3
    assert "could not process the data set" in str(failed.error)
    assert desk.made() == (1, 0, 0)
    server.data_sets.fails = False
    assert desk.here().code == 0
    assert desk.made() == (2, 1, 1)


def test_a_data_set_that_is_never_ready_ends_at_the_deadline(
    desk: NotebookDesk, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.data_sets.polls = 10_000
    skip_waits(monkeypatch)
    late = desk.here()
    assert late.code == 6
    assert "still processes the data set" in str(late.error)
    (made,) = server.data_sets.made.values()
    made.versions[0].pending = 0
    assert desk.here().code == 0
    assert desk.made() == (1, 1, 1)


def test_a_model_carries_the_weights(desk: NotebookDesk, server: KaggleServer) -> None:
    done = desk.here(model=True)
    assert done.code == 0, done.error
    assert "as a private model" in done.said.questions[0]
    (pushed,) = server.kernels.pushes()
    assert pushed.body["modelDataSources"] == [f"{NAME}/pyTorch/default/1"]
    assert not pushed.body.get("datasetDataSources")
    files = pushed.datasets[NAME.split("/")[1]][1]
    assert files["manifest.json"] == (desk.bundle / "manifest.json").read_bytes()
    assert "weights/fold-0.safetensors" in files
    assert desk.here(model=True, force=True).code == 0
    (made,) = server.models.made.values()
    assert [v.number for v in made.instances["default"]] == [1]
    assert server.data_sets.made == {}


@pytest.mark.parametrize("request_name", ["CreateModel", "CreateModelInstance"])
@pytest.mark.parametrize("done", [False, True])
def test_a_lost_answer_about_a_model_makes_no_second_version(
    desk: NotebookDesk, server: KaggleServer, request_name: str, done: bool
) -> None:
    server.fail(request_name, "drop", done=done)
    assert desk.here(model=True).code == 4
    again = desk.here(model=True)
    arrived = request_name == "CreateModelInstance" and done
    assert again.code == (0 if arrived else 4)
    if not arrived:
        assert desk.here(model=True, retry_unknown=True).code == 0
    (made,) = server.models.made.values()
    assert len(made.instances["default"]) == 1
    assert len(server.kernels.pushes()) == len(desk.sent) == 1


def test_a_data_set_that_was_deleted_meanwhile_is_uploaded_again(
    desk: NotebookDesk, server: KaggleServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("comp.notebook.weights.GONE_S", 0.2)
    server.data_sets.polls = 10**6
    with monkeypatch.context() as patch:
        skip_waits(patch)
        assert desk.here().code == 6
    assert desk.attempt.state == "versioned"
    server.data_sets.made.clear()
    server.data_sets.polls = 0
    gone = desk.here()
    assert gone.code == 3
    assert "any more; repeat the command to upload it again" in str(gone.error)
    assert desk.here().code == 0
    assert desk.made() == (1, 1, 1)


def test_a_name_that_is_taken_can_be_avoided(desk: NotebookDesk, server: KaggleServer) -> None:
    assert desk.here().code == 0
    (name,) = server.data_sets.made
    server.data_sets.made["eve/hers"] = server.data_sets.made.pop(name)
    taken = desk.here(force=True)
    assert taken.code == 3
    assert "is taken on Kaggle" in str(taken.error)
    assert "submit with --model" in str(taken.error)
    assert desk.here(force=True, model=True).code == 0
