"""Folds of whole domains: what a domain is, and which folds are refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy, values

from comp.config.schema import RunConfig, resolve
from comp.contract.competition import Competition
from comp.contract.sample import Sample
from comp.data.domain_folds import domain_sentence
from comp.data.domain_sources import AppearanceNeededError
from comp.data.domains import domains_of, scheme_folds
from comp.data.drift.appearance import Appearance
from comp.data.folds import NEVER, split
from comp.data.groups import held_out_apart
from comp.errors import ConfigError, FoldError
from comp.tasks.classification import task_of

CLASSES = ("cat", "dog")
PETS = toy(task_of(CLASSES), group="owner")


def config(domain: str = "appearance", folds: int = 3, **more: Any) -> RunConfig:
    return resolve("toy", [{"scheme": "domain", "domain": domain, "folds": folds, **more}])


def pet(number: int, target: int, name: str = "a.png", **fields: Any) -> Sample:
    return Sample(id=f"s{number}", image=Path(f"{number}/{name}"), target=float(target), **fields)


def pets_of_sites(sizes: Mapping[str, int]) -> list[Sample]:
    """Both classes at each site."""
    sites = [site for site, size in sizes.items() for _ in range(size)]
    return [pet(i, i % 2, features={"site": site}) for i, site in enumerate(sites)]


def lit(samples: list[Sample], light: list[float]) -> Mapping[str, Appearance]:
    rng = np.random.default_rng(0)
    return {
        sample.id: {
            "brightness": level + rng.normal(),
            "deviation": level / 2 + rng.normal(),
            "contrast": level / 3 + rng.normal(),
        }
        for sample, level in zip(samples, light, strict=True)
    }


def test_each_site_is_held_out_whole() -> None:
    samples = pets_of_sites({"east": 30, "west": 20, "north": 22, "south": 8, "(gap)": 10})
    samples = [*samples[:-10], *(pet(90 + i, i % 2, features={"site": None}) for i in range(10))]
    extra = [
        pet(500, 0, train_only=True, features={"site": "east"}),
        pet(501, 0, train_only=True, features={"site": "elsewhere"}),
        pet(502, 0, train_only=True, features={"site": "east"}, group="o"),
        pet(503, 0, train_only=True, features={"site": "elsewhere"}, group="o"),
    ]
    folds, record = domains_of(config("column:site"), PETS, [*samples, *extra])
    apart = [held_out_apart(folds.pop(sample.id)) for sample in extra]
    assert apart == [folds["s0"], NEVER, folds["s0"], folds["s0"]]
    of_site = {}
    for sample in samples:
        of_site.setdefault(sample.features["site"], set()).add(folds[sample.id])
    assert {len(found) for found in of_site.values()} == {1}
    sizes = [list(folds.values()).count(fold) for fold in range(3)]
    assert sizes == [30, 30, 30]
    assert folds == scheme_folds(config("column:site"), PETS, samples)
    assert {d["name"]: d["samples"] for d in record["domains"]}["(gap)"] == 10
    assert "5 domains by column site in 3 folds" in domain_sentence(record)


def test_a_group_follows_most_of_its_samples() -> None:
    samples = pets_of_sites({"east": 30, "west": 30, "north": 30})
    owner = [pet(100, 0, group="o", features={"site": "east"})]
    owner += [pet(101 + i, 1, group="o", features={"site": "north"}) for i in range(2)]
    folds, record = domains_of(config("column:site"), PETS, [*samples, *owner])
    assert folds["s100"] == folds["s101"] == folds["s89"]
    assert folds["s0"] != folds["s100"]
    assert record["moved"] == 1


def test_images_of_another_light_are_held_out_together() -> None:
    light = [20.0] * 40 + [120.0] * 40 + [220.0] * 40
    samples = [pet(i, i % 2) for i in range(120)]
    folds, record = domains_of(config(), PETS, samples, lit(samples, light))
    by_light = [{folds[s.id] for s in samples[start : start + 40]} for start in (0, 40, 80)]
    assert [len(found) for found in by_light] == [1, 1, 1]
    assert set.union(*by_light) == {0, 1, 2}
    named = {fold["differs"][0]["name"] for fold in record["folds"]}
    assert named <= {"brightness", "deviation", "contrast"}
    again = domains_of(config(), PETS, samples, lit(samples, light))
    assert again == (folds, record)


def test_clusters_are_not_the_classes() -> None:
    samples = [pet(i, i % 2) for i in range(120)]
    light = [20.0 + 150 * (i % 2) + 40 * (i >= 60) for i in range(120)]
    folds, _ = domains_of(config(folds=2), PETS, samples, lit(samples, light))
    for fold in (0, 1):
        assert {s.target for s in samples if folds[s.id] == fold} == {0.0, 1.0}


def test_more_clusters_make_folds_of_usable_size() -> None:
    samples = [pet(i, i % 2) for i in range(120)]
    light = [0.0] * 4 + list(np.linspace(300, 400, 116))
    folds, record = domains_of(config(folds=2), PETS, samples, lit(samples, light))
    assert min(list(folds.values()).count(fold) for fold in (0, 1)) >= 15
    assert record["count"] >= 2


def test_series_of_files() -> None:
    names = [("IM-1", 40), ("person1_bacteria", 30), ("person2_virus", 35)]
    flat = [name for name, count in names for _ in range(count)]
    samples = [pet(i, i % 2, f"{name}_{i}.png") for i, name in enumerate(flat)]
    folds = scheme_folds(config("series"), PETS, samples)
    assert len({folds[s.id] for s in samples[:40]}) == 1
    assert len(set(folds.values())) == 3
    more = [pet(200, 0, "IM-1_9.png", train_only=True), pet(201, 0, "x.png", train_only=True)]
    folds = scheme_folds(config("series"), PETS, [*samples, *more])
    train, held_out = split([*samples, *more], folds, folds["s0"], "domain")
    assert [s.id for s in train if s.train_only] == ["s201"]
    assert [s.id for s in held_out] == [s.id for s in samples[:40]]


def test_long_numbers_are_different_domains() -> None:
    samples = [pet(i, i % 2, features={"site": 1_000_001.0 + i // 20}) for i in range(60)]
    _, record = domains_of(config("column:site"), PETS, samples)
    names = {domain["name"] for domain in record["domains"]}
    assert names == {"1000001", "1000002", "1000003"}


def two_of_one_class() -> list[Sample]:
    """All dogs are of the north."""
    samples = pets_of_sites({"east": 30, "west": 30, "north": 30})
    where = [s.features["site"] == "north" for s in samples]
    return [
        pet(i, int(north), features=s.features)
        for i, (s, north) in enumerate(zip(samples, where, strict=True))
    ]


ROWS = [Sample(id=str(i), target=float(i), features={"site": "x", "n": i}) for i in range(30)]
NUMBERS = toy(values(), columns=True)


@pytest.mark.parametrize(
    ("competition", "samples", "settings", "message"),
    [
        (NUMBERS, ROWS, config(), r"but these are rows: set domain=column:NAME with.* site, n"),
        (NUMBERS, ROWS, config("column:sight"), r"no column 'sight' \(the columns are site, n\)"),
        (NUMBERS, ROWS, config("column:site"), "all samples are of one domain by column site, x"),
        (NUMBERS, ROWS, config("column:n"), "30 samples have 30 values, so it does not say"),
        (PETS, [pet(i, i % 2) for i in range(20)], config("series"), "one domain by file series"),
        (PETS, pets_of_sites({"a": 20, "b": 20}), config("column:site"), "only 2 .*--folds 2"),
        (
            PETS,
            pets_of_sites({"a": 40, "b": 40, "c": 2}),
            config("column:site"),
            r"fold 2 \(c\) would hold out only 2 of 82 samples: use --folds 2",
        ),
        (
            PETS,
            pets_of_sites({"a": 90, "b": 20, "c": 20}),
            config("column:site"),
            r"fold 0 \(a\) would train on only 40 of 130 samples",
        ),
        (PETS, two_of_one_class(), config("column:site"), "would train without class 'dog'"),
        (PETS, [pet(0, 0, fold=1)] * 1, config("column:site"), "folds of their own"),
        (PETS, [pet(0, 0)], config(folds_csv="folds.csv"), "leave out folds_csv"),
    ],
)
def test_what_cannot_be_is_refused(
    competition: Competition, samples: list[Sample], settings: RunConfig, message: str
) -> None:
    with pytest.raises(FoldError, match=message):
        scheme_folds(settings, competition, samples)


def test_the_appearance_must_be_known() -> None:
    with pytest.raises(AppearanceNeededError):
        scheme_folds(config(), PETS, [pet(i, i % 2) for i in range(20)])
    with pytest.raises(ConfigError, match="write appearance, series, or column:NAME"):
        config("colour")
