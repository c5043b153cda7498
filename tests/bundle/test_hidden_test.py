from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rehearsed import TOY, toy_data

from comp.bundle.hidden_test import NotPossibleError, new_ids, plan_hidden_test, renamed
from comp.contract import registry
from comp.contract.sample import Sample


def test_twice_the_images_with_other_ids_in_another_order(tmp_path: Path) -> None:
    root = toy_data(tmp_path)
    samples = TOY.samples(root, "test")
    plan = plan_hidden_test(TOY, root, samples)
    ids = [sample.id for sample in plan.samples]
    old = [plan.old_ids[name] for name in ids]
    assert sorted(old) == sorted([sample.id for sample in samples] * 2)
    assert len(set(ids)) == len(ids)
    assert not set(ids) & set(old)
    assert ids != sorted(ids, key=int)
    assert old != [sample.id for sample in samples] * 2
    for name in ids:
        assert plan.links[Path(f"test/{name}.png")] == Path(f"test/{plan.old_ids[name]}.png")
    assert Path("sample_submission.csv") in plan.left_out
    assert set(plan.links.values()) <= set(plan.left_out)


@pytest.mark.parametrize(
    ("old", "expected"),
    [
        (["007", "010"], {"011", "012"}),
        (["a", "b"], {"ah1", "bh2", "ah2", "bh1"}),
        (["7.png", "x/10.png"], {"11.png", "12.png", "x/11.png", "x/12.png"}),
        (["scan.v2"], {"scan.v2h1"}),
    ],
)
def test_new_ids_have_the_form_of_the_old_ones(old: list[str], expected: set[str]) -> None:
    found = new_ids([Sample(id=name) for name in old])
    assert set(found) <= expected
    assert len(set(found)) == len(old)


def test_names_of_images() -> None:
    assert renamed(Path("test/1.png"), "1", "9") == Path("test/9.png")
    assert renamed(Path("part_1/1/1.png"), "1", "9") == Path("part_9/9/9.png")
    assert renamed(Path("test/101.png"), "101", "9") == Path("test/9.png")
    with pytest.raises(NotPossibleError, match="does not contain the id 1"):
        renamed(Path("test/101.png"), "1", "9")


def test_images_that_share_a_prediction() -> None:
    with pytest.raises(NotPossibleError, match="share one prediction"):
        plan_hidden_test(replace(TOY, pool="mean"), Path(), [Sample(id="1")])


@pytest.mark.parametrize("name", ["housing", "digits"])
def test_tables(tmp_path: Path, name: str) -> None:
    competition = registry.get(name)
    competition.draw_synthetic(tmp_path, np.random.default_rng(0))
    samples = competition.samples(tmp_path, "test")
    plan = plan_hidden_test(competition, tmp_path, samples)
    ((path, table),) = plan.tables.items()
    assert path == Path("test.csv")
    assert table.height == 2 * len(samples)
    table.write_csv(tmp_path / path)
    blank = tmp_path / str(competition.sample_submission)
    header = blank.read_text().splitlines()[0]
    blank.write_text(f"{header}\n" + "".join(f"{s.id},0\n" for s in plan.samples))
    found = competition.samples(tmp_path, "test")
    assert [sample.id for sample in found] == [sample.id for sample in plan.samples]
    known = {sample.id: sample.features for sample in samples}
    assert all(sample.features == known[plan.old_ids[sample.id]] for sample in found)
    assert plan.links == {}
