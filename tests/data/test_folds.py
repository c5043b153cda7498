"""Folds: dealt so that nothing leaks, written once, and matched by id."""

from __future__ import annotations

import hashlib
import random
import re
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comp.config.schema import RunConfig, resolve
from comp.contract.sample import Sample
from comp.contract.task import no_names
from comp.data.folds import (
    NEVER,
    fold_notes,
    fold_seed_of,
    folds_of,
    make_folds,
    read_folds,
    split,
    write_folds,
)
from comp.errors import FoldError, RunError
from competitions.chest_xray import COMPETITION as CHEST


def sample(number: int, group: str | None = None, stratum: str | None = None) -> Sample:
    return Sample(id=f"s{number}", image=Path("x.png"), group=group, stratum=stratum)


def grouped(sizes: list[int]) -> list[Sample]:
    groups = [f"g{g}" for g, size in enumerate(sizes) for _ in range(size)]
    return [sample(i, group) for i, group in enumerate(groups)]


PLAIN = [sample(i) for i in range(23)]
GROUPED = grouped([1, 4, 2, 3, 3, 1, 5, 2])
STRATIFIED = [sample(i, stratum="rare" if i < 8 else "common") for i in range(32)]
BOTH = [sample(i, f"g{i // 2}", "rare" if i % 4 < 2 else "common") for i in range(40)]
SCHEMES = [
    ("plain", PLAIN),
    ("grouped", GROUPED),
    ("stratified", STRATIFIED),
    ("stratified-grouped", BOTH),
    ("auto", PLAIN),
    ("auto", GROUPED),
    ("auto", STRATIFIED),
    ("auto", BOTH),
]


@pytest.mark.parametrize(("scheme", "samples"), SCHEMES)
def test_every_sample_is_held_out_exactly_once(scheme, samples):
    folds = make_folds(samples, 4, scheme, seed=0)

    held = Counter(s.id for fold in range(4) for s in split(samples, folds, fold, "auto")[1])
    assert held == Counter(s.id for s in samples)
    assert list(folds) == [s.id for s in samples]
    assert set(folds.values()) == {0, 1, 2, 3}


@pytest.mark.parametrize("samples", [PLAIN, STRATIFIED], ids=["plain", "stratified"])
def test_dealing_warns_of_nothing(samples: list[Sample]):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        folds = make_folds(samples, 4, "auto", seed=0)

    assert caught == []
    assert set(folds.values()) == {0, 1, 2, 3}


@pytest.mark.parametrize(("scheme", "samples"), SCHEMES)
def test_training_samples_are_all_that_are_not_held_out(scheme, samples):
    folds = make_folds(samples, 4, scheme, seed=0)

    for fold in range(4):
        train, held_out = split(samples, folds, fold, "auto")
        assert len(train) + len(held_out) == len(samples)
        assert sorted(train + held_out, key=samples.index) == samples


@pytest.mark.parametrize(("scheme", "samples"), SCHEMES)
def test_same_seed_same_folds_other_seed_other_folds(scheme, samples):
    first, again = (make_folds(samples, 4, scheme, seed=7) for _ in range(2))
    others = [make_folds(samples, 4, scheme, seed=seed) for seed in range(8, 13)]

    assert first == again
    assert any(other != first for other in others)


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
def test_dealing_leaves_the_global_random_state_alone(seed: int):
    random.seed(3)
    expected = random.Random(3).random()

    make_folds(PLAIN, 4, "plain", seed)

    assert random.random() == expected


@pytest.mark.parametrize("scheme", ["grouped", "auto"])
@given(
    sizes=st.lists(st.integers(1, 6), min_size=5, max_size=15),
    k=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=40, deadline=None)
def test_no_group_stands_on_both_sides(scheme, sizes: list[int], k: int, seed: int):
    samples = grouped(sizes)
    folds = make_folds(samples, k, scheme, seed)

    assert set(folds.values()) == set(range(k))
    for fold in range(k):
        train, held_out = split(samples, folds, fold, "auto")
        assert not {s.group for s in train} & {s.group for s in held_out}
        assert train
        assert held_out


@given(
    members=st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["a", "b"])), min_size=8, max_size=20
    ),
    k=st.integers(2, 4),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, deadline=None)
def test_no_group_stands_on_both_sides_when_stratified_too(members, k: int, seed: int):
    owners = [(f"g{g}", stratum) for g, (size, stratum) in enumerate(members) for _ in range(size)]
    samples = [sample(i, group, stratum) for i, (group, stratum) in enumerate(owners)]
    counts = Counter(stratum for _, stratum in members)
    if any(count < k for count in counts.values()):
        with pytest.raises(FoldError, match=r"has only|would hold out only"):
            make_folds(samples, k, "stratified-grouped", seed)
        return

    folds = make_folds(samples, k, "stratified-grouped", seed)

    for fold in range(k):
        train, held_out = split(samples, folds, fold, "auto")
        assert not {s.group for s in train} & {s.group for s in held_out}
        assert held_out


@given(order=st.permutations(range(len(GROUPED))), seed=st.integers(0, 100))
@settings(max_examples=25, deadline=None)
def test_groups_do_not_care_about_the_order_of_the_samples(order: list[int], seed: int):
    shuffled = [GROUPED[i] for i in order]

    assert make_folds(shuffled, 3, "grouped", seed) == make_folds(GROUPED, 3, "grouped", seed)


@given(names=st.permutations([f"g{i}" for i in range(8)]))
@settings(max_examples=25, deadline=None)
def test_groups_stay_whole_under_other_names(names: list[str]):
    renamed = [replace(s, group=names[int(s.group[1:])]) for s in GROUPED]
    folds = make_folds(renamed, 3, "grouped", seed=0)

    for group in names:
        assert len({folds[s.id] for s in renamed if s.group == group}) == 1


def test_sample_without_a_group_is_a_group_of_its_own():
    samples = [*grouped([3, 3]), *(sample(i) for i in range(100, 106))]

    folds = make_folds(samples, 4, "auto", seed=1)

    assert len({folds[f"s{i}"] for i in range(3)}) == 1
    assert len({folds[f"s{i}"] for i in range(100, 106)}) > 1


def test_group_that_is_named_like_a_sample_does_not_swallow_it():
    samples = [sample(0, "sample s2"), sample(1, "sample s2"), sample(2), sample(3)]

    folds = make_folds(samples, 3, "grouped", seed=0)

    assert folds["s0"] == folds["s1"]
    assert len({folds["s0"], folds["s2"], folds["s3"]}) == 3


@pytest.mark.parametrize("scheme", ["stratified", "auto"])
def test_strata_are_balanced(scheme):
    folds = make_folds(STRATIFIED, 4, scheme, seed=5)

    for fold in range(4):
        counts = Counter(s.stratum for s in STRATIFIED if folds[s.id] == fold)
        assert counts == {"rare": 2, "common": 6}


def test_strata_are_balanced_over_groups_too():
    folds = make_folds(BOTH, 5, "auto", seed=5)

    for fold in range(5):
        counts = Counter(s.stratum for s in BOTH if folds[s.id] == fold)
        assert counts == {"rare": 4, "common": 4}


def test_plain_folds_are_shuffled_and_of_equal_size():
    folds = make_folds(PLAIN, 4, "plain", seed=0)

    assert sorted(Counter(folds.values()).values()) == [5, 6, 6, 6]
    assert list(folds.values()) != sorted(folds.values())


@pytest.mark.parametrize(
    ("scheme", "samples", "remedy"),
    [("plain", GROUPED, "use grouped"), ("stratified", BOTH, "use stratified-grouped")],
)
def test_scheme_that_would_leak_is_refused_with_the_one_to_use(scheme, samples, remedy: str):
    with pytest.raises(FoldError) as caught:
        make_folds(samples, 3, scheme, 0, group="clean page")

    message = str(caught.value)
    assert f"scheme = {scheme} would leak" in message
    assert "samples of one clean page would be in training and in validation" in message
    assert message.endswith(remedy)


@pytest.mark.parametrize(
    ("scheme", "samples", "lack"),
    [
        ("grouped", PLAIN, "no groups"),
        ("stratified-grouped", STRATIFIED, "no groups"),
        ("stratified", PLAIN, "no classes"),
        ("stratified-grouped", GROUPED, "no classes"),
    ],
)
def test_scheme_without_what_it_needs_is_refused(scheme, samples, lack: str):
    with pytest.raises(FoldError, match=f"scheme = {scheme}: these samples have {lack}"):
        make_folds(samples, 3, scheme, 0)


def test_more_folds_than_groups_are_refused_with_the_number_of_groups():
    with pytest.raises(FoldError) as caught:
        make_folds(GROUPED, 9, "auto", 0, group="clean page")

    assert str(caught.value) == ("folds = 9, but there are only 8 clean pages: use --folds 8")


def test_as_many_folds_as_groups_hold_out_one_group_each():
    folds = make_folds(GROUPED, 8, "auto", 0)

    assert len({folds[s.id] for s in GROUPED}) == 8


def test_more_folds_than_samples_are_refused():
    with pytest.raises(
        FoldError, match="folds = 24, but there are only 23 samples: use --folds 23"
    ):
        make_folds(PLAIN, 24, "auto", 0)


@pytest.mark.parametrize("samples", [[], [sample(0)], grouped([5])], ids=["none", "one", "group"])
def test_folds_that_no_number_can_help_do_not_advise_one(samples: list[Sample]):
    with pytest.raises(FoldError) as caught:
        make_folds(samples, 2, "auto", 0)

    assert "--folds" not in str(caught.value)


@pytest.mark.parametrize("k", [1, 0, -1])
def test_fewer_than_two_folds_are_refused(k: int):
    with pytest.raises(FoldError, match=f"folds = {k}: cross-validation needs at least 2"):
        make_folds(PLAIN, k, "plain", 0)


@pytest.mark.parametrize("samples", [STRATIFIED, BOTH], ids=["samples", "groups"])
def test_a_class_with_too_few_members_is_refused_with_schemes_that_work(samples: list[Sample]):
    scheme = "stratified" if samples is STRATIFIED else "stratified-grouped"
    small = [*samples, *(sample(i, samples[0].group and f"new{i}", "tiny") for i in range(90, 92))]
    with pytest.raises(FoldError) as caught:
        make_folds(small, 4, scheme, 0, group="patient")

    message = str(caught.value)
    members = "samples" if samples is STRATIFIED else "patients"
    assert message.startswith(f"folds = 4, but class 'tiny' has only 2 {members}: ")
    for advised in re.findall(r"scheme = ([a-z-]+)", message):
        assert set(make_folds(small, 4, advised, 0).values()) == {0, 1, 2, 3}
    assert re.findall(r"scheme = ([a-z-]+)", message) == [
        "auto",
        "plain" if samples is STRATIFIED else "grouped",
    ]


def test_two_classes_of_which_one_is_smaller_than_the_folds_are_refused_with_folds_that_work():
    with pytest.raises(
        FoldError, match=r"fold \d of 9 would hold out only class 'common'"
    ) as caught:
        make_folds(STRATIFIED, 9, "auto", 0)

    (advised,) = re.findall(r"--folds (\d+)", str(caught.value))
    assert set(make_folds(STRATIFIED, int(advised), "auto", 0).values()) == set(range(8))
    assert "scheme = plain" in str(caught.value)
    make_folds(STRATIFIED, 9, "plain", 0)


def test_more_folds_than_samples_of_two_classes_are_refused_with_folds_that_work():
    with pytest.raises(FoldError, match="folds = 40, but there are only 32 samples: use --folds 8"):
        make_folds(STRATIFIED, 40, "auto", 0)
    make_folds(STRATIFIED, 8, "auto", 0)


def test_a_lone_member_of_one_of_two_classes_gets_no_advice_that_cannot_work():
    samples = [*PLAIN, sample(99, stratum="rare")]

    with pytest.raises(FoldError, match="only the class of samples without a label") as caught:
        make_folds(samples, 2, "auto", 0)

    assert "--folds" not in str(caught.value)


def test_two_classes_in_too_few_groups_are_refused():
    samples = [sample(i, f"g{i // 4}", "rare" if i < 8 else "common") for i in range(40)]

    with pytest.raises(FoldError, match=r"only class 'common'.* use --folds 2, or add patients"):
        make_folds(samples, 3, "auto", 0, group="patient")

    assert set(make_folds(samples, 2, "auto", 0).values()) == {0, 1}


def test_csv_comes_back_with_its_hash(tmp_path: Path):
    folds = make_folds(GROUPED, 3, "grouped", 0)

    digest = write_folds(tmp_path / "folds.csv", GROUPED, folds)

    content = (tmp_path / "folds.csv").read_bytes()
    assert digest == hashlib.sha256(content).hexdigest()
    assert read_folds(tmp_path / "folds.csv") == folds
    lines = content.decode().split("\n")
    assert lines[0] == "id,fold,group"
    assert lines[1] == f"s0,{folds['s0']},g0"
    assert lines[-1] == ""
    assert b"\r" not in content


def test_csv_keeps_ids_with_commas_quotes_and_letters_of_any_script(tmp_path: Path):
    ids = ["a,b", 'say "x"', "Größe 漢", "007", " space "]
    samples = [replace(sample(0), id=name) for name in ids]
    folds = make_folds(samples, 2, "plain", 0)

    write_folds(tmp_path / "folds.csv", samples, folds)

    assert read_folds(tmp_path / "folds.csv") == folds


@pytest.mark.parametrize("content", [None, b"\xff\xff", b"a,b\n1,2\n", b"id,fold\nx,y\nz\n"])
def test_folds_that_cannot_be_read_are_named(tmp_path: Path, content: bytes | None):
    path = tmp_path / "folds.csv"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(RunError, match=r"cannot read .*folds\.csv .* start a new run"):
        read_folds(path)


def test_hash_is_of_the_folds_and_nothing_else(tmp_path: Path):
    folds = make_folds(GROUPED, 3, "grouped", 0)
    other = folds | {"s0": (folds["s0"] + 1) % 3}

    hashes = [
        write_folds(tmp_path / f"{i}.csv", GROUPED, each)
        for i, each in enumerate([folds, dict(folds), other])
    ]

    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(
    ("samples", "count", "first"),
    [
        (PLAIN[1:], 1, "s0"),
        ([*PLAIN, sample(99)], 1, "s99"),
        ([sample(99), sample(98), *PLAIN[2:]], 4, "s0"),
        ([], 23, "s0"),
    ],
    ids=["fewer", "more", "others", "none"],
)
def test_changed_data_is_refused(samples: list[Sample], count: int, first: str):
    folds = make_folds(PLAIN, 4, "plain", 0)

    with pytest.raises(FoldError) as caught:
        split(samples, folds, 0, "auto")

    assert f"differ in {count} ids, the first is '{first}'" in str(caught.value)
    assert "start a new run" in str(caught.value)


def test_split_matches_by_id_and_keeps_the_order_of_the_data():
    folds = make_folds(PLAIN, 4, "plain", 0)

    train, held_out = split(PLAIN[::-1], folds, 2, "auto")

    assert [s.id for s in held_out] == [s.id for s in PLAIN[::-1] if folds[s.id] == 2]
    assert [s.id for s in train] == [s.id for s in PLAIN[::-1] if folds[s.id] != 2]


def trained(samples: list[Sample], folds: dict[str, int], fold: int) -> set[str]:
    return {s.id for s in split(samples, folds, fold, "auto")[0]}


def test_a_sample_that_only_trains_is_held_out_in_no_fold(tmp_path: Path):
    extra = [replace(sample(i), train_only=True) for i in range(100, 104)]
    samples = [*extra[:2], *PLAIN, *extra[2:]]

    folds = make_folds(samples, 4, "auto", seed=0)

    assert list(folds) == [s.id for s in samples]
    assert {s.id: folds[s.id] for s in PLAIN} == make_folds(PLAIN, 4, "auto", seed=0)
    assert {folds[s.id] for s in extra} == {NEVER}
    for fold in range(4):
        train, held_out = split(samples, folds, fold, "auto")
        assert {s.id for s in extra} <= {s.id for s in train}
        assert not {s.id for s in extra} & {s.id for s in held_out}
    write_folds(tmp_path / "folds.csv", samples, folds)
    assert read_folds(tmp_path / "folds.csv") == folds


@given(
    owners=st.lists(
        st.tuples(
            st.sampled_from([None, "g0", "g1", "g2", "g3", "g4"]),
            st.sampled_from([None, "u0", "u1"]),
            st.booleans(),
        ),
        min_size=4,
        max_size=30,
    ),
    k=st.integers(2, 3),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_no_sample_trains_beside_its_group_or_unit(owners, k: int, seed: int):
    samples = [
        replace(sample(i, group), unit=unit and f"{unit} of {group}", train_only=only)
        for i, (group, unit, only) in enumerate(owners)
    ]
    try:
        folds = make_folds(samples, k, "auto", seed)
    except FoldError:
        return
    scored = {s.id for s in samples if not s.train_only}
    held: Counter[str] = Counter()
    for fold in range(k):
        train, held_out = split(samples, folds, fold, "auto")
        held.update(s.id for s in held_out)
        for what in ("group", "unit"):
            inside = {getattr(s, what) for s in held_out} - {None}
            assert not inside & {getattr(s, what) for s in train}
        absent = {s.id for s in samples} - {s.id for s in train} - {s.id for s in held_out}
        assert not absent & scored
    assert held == Counter(dict.fromkeys(scored, 1))


def test_a_sample_that_only_trains_is_left_out_beside_its_group_alone():
    extra = replace(sample(99, "g1"), train_only=True)
    folds = make_folds([*GROUPED, extra], 3, "auto", seed=0)
    out = folds["s1"]

    for fold in range(3):
        assert ("s99" in trained([*GROUPED, extra], folds, fold)) == (fold != out)


def test_samples_that_all_only_train_are_refused():
    with pytest.raises(FoldError, match="all 23 training samples are train_only"):
        make_folds([replace(s, train_only=True) for s in PLAIN], 4, "auto", 0)


def test_samples_that_only_train_need_no_fold_of_their_own():
    samples = [replace(s, fold=i % 3) for i, s in enumerate(PLAIN)]
    extra = replace(sample(99), train_only=True)

    folds = make_folds([*samples, extra], 3, "auto", seed=0)

    assert folds == {f"s{i}": i % 3 for i in range(23)} | {"s99": NEVER}
    with pytest.raises(FoldError, match="use --folds 3"):
        make_folds(samples, 5, "auto", seed=0)


def test_a_unit_of_two_groups_is_refused():
    samples = [replace(s, unit="u") for s in GROUPED[:3]]
    with pytest.raises(FoldError, match="unit 'u' has samples of two patients"):
        make_folds([*samples, *GROUPED[3:]], 3, "auto", 0, "patient")


def settings_of(**keys) -> RunConfig:
    return resolve(CHEST.name, [CHEST.defaults, keys], CHEST.options)


LABELLED = [replace(sample(i, f"g{i // 2}"), target=float(i % 4 < 2)) for i in range(40)]


def test_folds_of_a_run_follow_the_labels_of_the_task():
    folds = folds_of(settings_of(), CHEST, LABELLED)

    named = [replace(s, stratum=CHEST.task.labels[int(s.target or 0)]) for s in LABELLED]
    assert folds == make_folds(named, 5, "stratified-grouped", 0)


def test_folds_have_a_seed_of_their_own():
    first, second = (folds_of(settings_of(seed=seed), CHEST, LABELLED) for seed in (1, 2))
    shared = [folds_of(settings_of(seed=seed, fold_seed=1), CHEST, LABELLED) for seed in (2, 3)]

    assert shared == [first, first] != [second, second]
    assert [fold_seed_of(settings_of(seed=4, **keys)) for keys in ({}, {"fold_seed": 0})] == [4, 0]


def test_folds_of_a_file_are_those_of_the_run(tmp_path: Path):
    folds = folds_of(settings_of(seed=7), CHEST, LABELLED)
    write_folds(tmp_path / "folds.csv", LABELLED, folds)
    extra = replace(sample(99), target=1.0, train_only=True)
    config = settings_of(folds_csv=str(tmp_path / "folds.csv"))

    assert folds_of(config, CHEST, [*LABELLED, extra]) == folds | {"s99": NEVER}
    with pytest.raises(FoldError, match="no fold for 1 samples, the first is 's99'"):
        folds_of(config, CHEST, [*LABELLED, replace(extra, train_only=False)])


def test_what_folds_cannot_score_is_noted():
    strata = ["a"] * 10 + ["b"] * 10 + ["one", "two", "two"]
    samples = [sample(i, stratum=name) for i, name in enumerate(strata)]
    folds = make_folds(samples, 5, "auto", seed=0)

    assert fold_notes(samples[:20], {f"s{i}": i % 5 for i in range(20)}, no_names) == []
    assert fold_notes(samples, folds, no_names) == [
        "2 classes are not held out in every fold, the first is class 'one' (in 1 of 5 folds): the "
        "other folds cannot score it"
    ]
    first, _ = fold_notes(samples[:20], {f"s{i}": i // 10 for i in range(20)}, no_names)
    assert first == ("fold 0 holds out only class 'a': scores such as AUC are not defined in it")


def test_notes_are_about_samples_that_are_held_out():
    samples = [sample(i, stratum="ab"[i % 2]) for i in range(20)]
    extra = replace(sample(99, stratum="c"), train_only=True)
    folds = make_folds([*samples, extra], 5, "auto", seed=0)

    assert fold_notes([*samples, extra], folds, no_names) == []
