"""Configuration as a user writes it: TOML files and --set."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.config.parsing import parse_sets, read_toml
from comp.config.schema import resolve
from comp.errors import ConfigError


def test_sets_become_nested_values_of_their_types():
    sets = [
        "folds=3",
        "optim.lr=1e-2",
        "optim.ema=none",
        "loader.augment=false",
        "backbone=resnet34",
        'device="cuda:1"',
        "precision=bf16",
        "budget=1h30m",
        "weights=C:\\models\\a=b.safetensors",
    ]

    assert parse_sets(sets) == {
        "folds": 3,
        "optim": {"lr": 0.01, "ema": None},
        "loader": {"augment": False},
        "backbone": "resnet34",
        "device": "cuda:1",
        "precision": "bf16",
        "budget": "1h30m",
        "weights": "C:\\models\\a=b.safetensors",
    }


def test_sets_read_lists_and_empty_text_and_the_last_one_wins():
    assert parse_sets(["a=[1, 2]", "b=", "c.d=1", "c.d=2"]) == {
        "a": [1, 2],
        "b": "",
        "c": {"d": 2},
    }
    assert parse_sets([]) == {}


def test_sets_without_a_key_or_an_equals_sign_are_named_together():
    with pytest.raises(ConfigError, match="key=value") as caught:
        parse_sets(["folds", "seed=1", "=3", "0x=1"])

    message = str(caught.value)
    assert "'folds'" in message
    assert "'=3'" in message
    assert "'0x=1'" in message
    assert "seed" not in message


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (".001", 0.001),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("1.e-3", 0.001),
        (".5E2", 50.0),
        ("1_000.", 1000.0),
        ("+1e-3", 0.001),
        ("1E-3", 0.001),
        ("1_000", 1000),
        ("+3", 3),
        ("0x10", 16),
        ("True", True),
        ("False", False),
        ("true", True),
        ("TRUE", True),
        ("None", None),
        ("null", None),
        ("'text'", "text"),
        ('"True"', "True"),
        ("(1, 2)", [1, 2]),
        ("(.9, .99)", [0.9, 0.99]),
        ("[.9, 0.99]", [0.9, 0.99]),
        ("[None, True]", [None, True]),
        ("()", []),
        ("{'pad_type': 'same', 'depth': (1, 2)}", {"pad_type": "same", "depth": [1, 2]}),
        ("{pad_type = 'same'}", {"pad_type": "same"}),
    ],
)
def test_sets_read_values_as_a_python_user_writes_them(text: str, value: object):
    (found,) = parse_sets([f"key={text}"]).values()

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "resnet34",
        "vit_base_patch16_224.augreg_in21k",
        "1h30m",
        "cuda:1",
        "yes",
        "no",
        "007",
        "1.2.3",
        "._",
        "1,2",
        "1+2j",
        "...",
        "nonesuch",
        "(1, x)",
        "[resnet34]",
        "{1: 2}",
        "{1, 2}",
        "(b'x',)",
        "(" * 500,
        "models/a.b",
    ],
)
def test_sets_leave_other_text_as_it_is(text: str):
    assert parse_sets([f"key={text}"]) == {"key": text}


def test_sets_ignore_spaces_around_the_equals_sign_and_the_value():
    assert parse_sets(["optim.lr = 1e-3", "backbone= resnet34 "]) == {
        "optim": {"lr": 0.001},
        "backbone": "resnet34",
    }


def test_a_number_with_a_leading_point_is_a_learning_rate():
    config = resolve(
        "x", [parse_sets(["optim.lr=.001", "pretrained=True", "optim.betas=(.9, 1.)"])]
    )

    assert (config.optim.lr, config.pretrained, config.optim.betas) == (0.001, True, [0.9, 1.0])


@pytest.mark.parametrize("text", ["yes", "no", "on", "1", "T"])
def test_other_words_for_true_and_false_are_refused_with_advice(text: str):
    with pytest.raises(ConfigError, match=r"pretrained = .*: write true or false"):
        resolve("x", [parse_sets([f"pretrained={text}"])])


def test_toml_file(tmp_path: Path):
    (tmp_path / "a.toml").write_text('folds = 3\nbudget = "5m"\n[optim]\nlr = 0.5\n')

    values = read_toml(tmp_path / "a.toml")

    assert values == {"folds": 3, "budget": "5m", "optim": {"lr": 0.5}}
    assert resolve("x", [values]).budget == 300


def test_missing_toml_file_is_named(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"cannot read the config file .*a\.toml: No such file"):
        read_toml(tmp_path / "a.toml")


@pytest.mark.parametrize("content", [b"folds: 3\n", b"\xff\xfe\x00"])
def test_broken_toml_file_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "a.toml").write_bytes(content)

    with pytest.raises(ConfigError, match=r"a\.toml is not a TOML file"):
        read_toml(tmp_path / "a.toml")


@pytest.mark.parametrize("text", ["[gbdt,tabm]", "gbdt, tabm", '["gbdt", "tabm"]'])
def test_several_models_and_columns_need_no_quotes(text: str):
    config = resolve("x", [parse_sets([f"model={text}", "columns.drop=[a, b c]"])])
    assert config.model == ["gbdt", "tabm"]
    assert config.columns.drop == ["a", "b c"]
    assert resolve("x", [parse_sets(["columns.drop=a, b"])]).columns.drop == ["a, b"]
