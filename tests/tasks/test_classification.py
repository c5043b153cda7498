"""The helper for ordinary image classification, and a whole run of a plugin made with it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch

from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.contract.competition import Competition
from comp.contract.metrics import ACCURACY, AUC, LOG_LOSS
from comp.data.images.decode import write_image
from comp.data.location import DataSource
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.tasks.classification import DEFAULTS, SYNTHETIC_DEFAULTS, classifier, image_classification
from comp.tasks.regression import regression
from comp.workspace import Workspace

LEAVES = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    name="leaves",
    title="Leaf Diseases",
    kaggle="competitions/leaf-diseases",
    classes=("healthy", "rust", "scab"),
    labels="labels.csv",
    id_column="image_id",
    label_column="disease",
    images="pictures",
    test_images="pictures",
    submit="probabilities",
)
"""
TINY = {
    "folds": 2,
    "max_steps": 2,
    "validations": 1,
    "device": "cpu",
    "image": {"size": 32},
    "loader": {"batch_size": 4},
    "predict": {"tta": "none"},
}


def made(**fields: Any) -> Competition:
    usual: dict[str, Any] = {"classes": ("a", "b"), "kaggle": "competitions/c"}
    return image_classification(**{"name": "c", "title": "C"} | usual | fields)


def settings(competition: Competition, *layers: dict[str, Any]) -> RunConfig:
    return resolve(
        competition.name, [competition.defaults, competition.synthetic_defaults, TINY, *layers]
    )


@pytest.fixture
def leaves(monkeypatch: pytest.MonkeyPatch) -> Competition:
    """The competition of the plugin above, registered."""
    space: dict[str, Any] = {}
    exec(LEAVES, space)
    competition: Competition = space["COMPETITION"]
    monkeypatch.setattr(registry, "competitions", lambda: {"leaves": competition})
    return competition


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Twelve labelled pictures and three others in one folder, a table, a sample submission."""
    root, rng = tmp_path / "data", np.random.default_rng(0)
    names = [f"leaf{i}" for i in rng.permutation(15)]
    for i, name in enumerate(names):
        picture = rng.integers(0, 60, (40, 50, 3), dtype=np.uint8)
        picture[..., i % 3] += 150
        write_image(root / "pictures" / f"{name}.jpg", picture)
    labels = [f"{name},{('healthy', 'rust', 'scab')[i % 3]}" for i, name in enumerate(names[:12])]
    blank = [f"{name},0.3,0.3,0.4" for name in names[12:]]
    (root / "labels.csv").write_text("\n".join(["image_id,disease", *labels]) + "\n")
    header = "image_id,healthy,rust,scab"
    (root / "sample_submission.csv").write_text("\n".join([header, *blank]) + "\n")
    return root


def test_a_plugin_of_few_lines_runs_from_its_data_to_a_submission(
    leaves: Competition, data: Path, tmp_path: Path
) -> None:
    assert LEAVES.strip().count("\n") < 30
    config = settings(leaves)
    summary = run(config, DataSource(data, False), Workspace.at(tmp_path), Silent())
    assert summary.metric == "accuracy"
    assert 0 <= summary.cv_score <= 1
    mine = pl.read_csv(summary.submission)
    sample = pl.read_csv(data / "sample_submission.csv")
    assert mine.columns == sample.columns
    assert mine["image_id"].equals(sample["image_id"])
    shares = mine.drop("image_id").to_numpy()
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    record = json.loads((summary.run_dir / "run.json").read_text())
    assert record["config"]["backbone"] == SYNTHETIC_DEFAULTS["backbone"]


@pytest.mark.parametrize(
    ("count", "submit", "metric", "outputs", "columns", "limits"),
    [
        (2, None, AUC, 1, ["label"], (0, 1)),
        (2, "label", AUC, 1, ["label"], None),
        (3, None, ACCURACY, 3, ["label"], None),
        (3, "index", ACCURACY, 3, ["label"], (0, 2)),
        (3, "probabilities", ACCURACY, 3, ["a", "b", "c"], (0, 1)),
    ],
)
def test_what_is_not_said_follows_from_the_classes(
    tmp_path: Path, count: int, submit: Any, metric: Any, outputs: int, columns: Any, limits: Any
) -> None:
    competition = made(classes=("a", "b", "c")[:count], submit=submit)
    assert competition.metric is metric
    assert competition.task.outputs == outputs
    assert competition.limits == limits
    assert competition.layout == ("train.csv", "train", "test")
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    assert pl.read_csv(tmp_path / "sample_submission.csv").columns == ["id", *columns]


def test_fields_of_the_contract_win() -> None:
    competition = made(
        metric=LOG_LOSS, group="owner", layout=("here",), limits=(0.1, 0.9), decimals=3
    )
    assert competition.metric is LOG_LOSS
    assert (competition.group, competition.layout) == ("owner", ("here",))
    assert (competition.limits, competition.decimals) == ((0.1, 0.9), 3)


def test_a_group_column_names_the_group() -> None:
    assert made().group is None
    assert made(group_column="patient").group == "patient"


def test_own_defaults_are_laid_on_those_of_classifiers() -> None:
    competition = made(defaults={"epochs": 3, "optim": {"lr": 1e-4}})
    assert competition.defaults["epochs"] == 3
    assert competition.defaults["optim"] == {**DEFAULTS["optim"], "lr": 1e-4}
    assert DEFAULTS["optim"]["lr"] != 1e-4


def test_real_data_starts_from_pretrained_weights_and_drawn_data_does_not() -> None:
    competition = made(defaults={"freeze": 2, "thaw": {"how": "staged"}})
    real = resolve("c", [competition.defaults])
    drawn = resolve("c", [competition.defaults, competition.synthetic_defaults])
    assert (real.pretrained, real.freeze, real.thaw.how) == (True, 2, "staged")
    assert (drawn.pretrained, drawn.freeze, drawn.thaw.how) == (False, "none", "never")


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"classes": ("a",)}, "two or more"),
        ({"classes": ("a", "a")}, "two or more different"),
        (
            {"classes": ("a", "b", "c"), "submit": "probability"},
            "submit = probability does not fit 3 classes: use probabilities, label,",
        ),
        ({"classes": range(3)}, r"names are texts, found 0; write \('0', '1', '2'\)"),
        ({"classes": (1, 2)}, r"names are texts, found 1; write \('1', '2'\)"),
        ({"columns": ("p", "q")}, "writes 1 column, but the names in columns are 2"),
        (
            {"submit": "probabilities", "columns": ("p",)},
            "writes 2 columns, but the names in columns are 1",
        ),
        ({"samples": lambda root, split: []}, "draw_synthetic"),
        (
            {"submit": "prob"},
            "'prob' is unknown: use one of probability, probabilities, label, index",
        ),
    ],
)
def test_a_plugin_that_contradicts_itself_is_refused(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        made(**fields)


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("make_sample", "draw_synthetic"),
        ("sample_defaults", "synthetic_defaults"),
        ("answers", "test_labels"),
        ("shape", "image_spec"),
        ("lable_column", "label_column"),
        ("decimal", "decimals"),
    ],
)
def test_an_unknown_argument_suggests_the_right_one(name: str, suggested: str) -> None:
    words = rf"image_classification\(\) has no argument '{name}': did you mean '{suggested}'\?"
    with pytest.raises(TypeError, match=words):
        made(**{name: None})


def test_an_unknown_argument_of_classifier_suggests_the_right_one() -> None:
    with pytest.raises(TypeError, match=r"classifier\(\) has no argument 'answers': .*test_labels"):
        classifier(classes=("a", "b"), answers=None)
    with pytest.raises(TypeError, match=r"'zzz': see comp\.contract"):
        classifier(classes=("a", "b"), zzz=None)


@pytest.mark.parametrize("name", ["own", "ce"])
@pytest.mark.parametrize(("classes", "outputs"), [("ab", 1), ("abc", 3)])
def test_predictions_are_probabilities_whatever_the_loss(
    classes: str, outputs: int, name: str
) -> None:
    competition = made(classes=tuple(classes))
    model = competition.model(settings(competition, {"loss": {"name": name}})).eval()
    assert competition.task.activation is not None
    with torch.no_grad():
        raw = model(torch.rand(2, 3, 32, 32))
        found = competition.task.activation(raw)
    assert found.shape == (2, outputs)
    assert bool(((found > 0) & (found < 1)).all())
    if outputs == 1:
        second = raw[:, :1].sigmoid() if name == "own" else raw.softmax(1)[:, 1:]
        torch.testing.assert_close(found, second)
    else:
        torch.testing.assert_close(found.sum(1), torch.ones(2))


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_brought_to_the_input_of_the_network(channels: int) -> None:
    competition = made()
    image = {"size": 48, "channels": channels, "resize": "letterbox", "interpolation": "area"}
    config = settings(competition, {"image": image})
    assert competition.image_spec is not None
    spec = competition.image_spec(config)
    assert (spec.size, spec.policy, spec.channels) == (48, "letterbox", channels)
    assert spec.interpolation == "area"
    picture = np.zeros((48, 48, channels), dtype=np.uint8)
    for train in (True, False):
        out = competition.pipeline(config, train)({"image": picture}, 0)["image"]
        assert out.shape == picture.shape
    assert competition.model(config).eval()(torch.rand(1, channels, 48, 48)).shape == (1, 1)


def test_what_a_worker_needs_can_be_pickled() -> None:
    competition = classifier(
        name="c",
        title="C",
        kaggle="competitions/c",
        classes=("a", "b"),
        samples=print,
        draw_synthetic=print,
    )
    for value in (competition.model, competition.pipeline, competition.task.activation):
        assert pickle.loads(pickle.dumps(value)) is not None  # noqa: S301


def test_making_a_competition_imports_nothing_heavy() -> None:
    heavy = {"torch", "timm", "numpy", "polars", "pandas", "sklearn", "cv2", "albumentations"}
    code = f"import sys\n{LEAVES}\nprint(*sorted(set(sys.modules) & {heavy!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=600, check=True
    )
    assert done.stdout.strip() == ""


def test_the_defaults_train_to_the_end_of_the_schedule_and_mirror_as_training_does() -> None:
    """A cosine that patience cuts off has not annealed: the best of the validations is kept."""
    config = resolve("c", [made().defaults])
    assert (config.optim.schedule, config.patience) == ("cosine", None)
    assert config.predict.tta == "auto"


def test_a_network_of_numbers_has_scaled_outputs_and_a_classifier_does_not() -> None:
    numbers = classifier(
        name="c", title="C", kaggle="competitions/c", task=regression(), samples=print,
        draw_synthetic=print,
    )  # fmt: skip
    assert "target_std" in numbers.model(settings(numbers)).state_dict()
    classes = made()
    assert "target_std" not in classes.model(settings(classes)).state_dict()


def test_either_a_task_or_classes() -> None:
    with pytest.raises(ValueError, match="give either task or classes"):
        classifier(name="c")
    with pytest.raises(ValueError, match="give either task or classes"):
        classifier(task=regression(), classes=("a", "b"))
