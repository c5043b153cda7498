"""What folds never split: groups and units."""

from __future__ import annotations

from pathlib import Path

import pytest

from comp.contract.sample import Sample
from comp.data.groups import check_units_have_one_group, group_keys, is_grouped
from comp.errors import FoldError


def sample(name: str, group: str | None = None, unit: str | None = None) -> Sample:
    return Sample(id=name, image=Path("x.png"), group=group, unit=unit)


def test_samples_of_a_group_or_a_unit_have_one_key() -> None:
    samples = [sample("a", "g"), sample("b", "g"), sample("c", unit="u"), sample("d", unit="u")]
    keys = group_keys([*samples, sample("e")])
    assert keys[0] == keys[1]
    assert keys[2] == keys[3]
    assert len(set(keys)) == 3


def test_a_unit_whose_samples_have_a_group_is_in_this_group_as_a_whole() -> None:
    keys = group_keys([sample("a", None, "u"), sample("b", "g", "u"), sample("c", "g")])
    assert len(set(keys)) == 1


def test_a_group_a_unit_and_a_sample_of_one_name_are_three_things() -> None:
    keys = group_keys([sample("x"), sample("y", "x"), sample("z", unit="x")])
    assert len(set(keys)) == 3


def test_groups_and_units_group_samples() -> None:
    assert not is_grouped([sample("a"), sample("b")])
    assert is_grouped([sample("a"), sample("b", "g")])
    assert is_grouped([sample("a"), sample("b", unit="u")])


def test_a_unit_of_two_groups_is_refused() -> None:
    samples = [sample("a", "p1", "u"), sample("b", None, "u"), sample("c", "p2", "u")]
    check_units_have_one_group(samples[:2], "patient")
    with pytest.raises(FoldError, match="unit 'u' has samples of two patients, 'p1' and 'p2'"):
        check_units_have_one_group(samples, "patient")
