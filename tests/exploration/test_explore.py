"""A first look at whole data sets: planted copies, every kind of task, hostile names."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from looked import Seen, looked_at, seen

from comp.contract import registry
from comp.contract.competition import Competition
from comp.errors import CompError, ConfigError
from comp.exploration import explore

Draw = Callable[[Competition], Path]
HOSTILE = "<img src=x onerror=alert(1)>\"'&\u202e"
SCRIPT = "</script><script>alert(1)</script>"
LABEL = f"{SCRIPT}\nnew line"
EVERYWHERE = {"check"}
OF_IMAGES = EVERYWHERE | {"samples", "looks", "clusters", "map", "neighbours"}
PANELS = {
    "cats-dogs": OF_IMAGES | {"classes", "copies"},
    "digits": OF_IMAGES | {"classes"},
    "salt": OF_IMAGES | {"classes", "copies", "targets"},
    "housing": EVERYWHERE | {"columns", "targets", "clusters", "map", "neighbours"},
}


def check_is_harmless(page: Seen) -> None:
    """Two scripts, of the page itself, and nothing that a name brought."""
    assert page.tags.count("script") == 2
    assert [a for a in page.attributes if a[1].startswith("on")] == []
    sources = {value[:5] for _, name, value in page.attributes if name in ("src", "href")}
    assert sources <= {"data:"} | {value for value in sources if value.startswith("#")}


@pytest.mark.parametrize("name", sorted(PANELS))
def test_every_kind_of_data_gets_its_panels(name: str, drawn: Draw, tmp_path: Path) -> None:
    competition = registry.get(name)
    found, path = looked_at(competition, drawn(competition), tmp_path)
    page = seen(path)
    assert PANELS[name] <= set(page.panels)
    assert (page.pictures > 20) == (name != "housing")
    assert found.left == []
    assert path.stat().st_size < 3_000_000
    values = json.loads(json.dumps(found.values(), allow_nan=False))
    assert values["train"] == len(competition.samples(drawn(competition), "train"))
    assert values["compared"]["by"] == ("columns" if name == "housing" else "colours and edges")
    assert len(values["map"]["ids"]) == values["train"] + values["test"]
    check_is_harmless(page)


def test_images_with_images_as_targets(pages: Path, tmp_path: Path) -> None:
    found, path = looked_at(registry.get("denoising"), pages, tmp_path)
    page = seen(path)
    assert found.targets is not None
    assert found.targets.kind == "images"
    assert found.targets.looks[0].summary.low > 0
    assert page.text.count("target") >= 8  # below each of the training images
    assert found.clusters is not None
    assert found.clusters.shown[0].agreement is None


@pytest.fixture
def planted(drawn: Draw, tmp_path: Path) -> Path:
    """Cats and dogs, of which one is copied with the other label, one mirrored into test."""
    competition = registry.get("cats-dogs")
    data = shutil.copytree(drawn(competition), tmp_path / "data")
    cat, dog = data / "train" / "train0004.png", data / "train" / "train0005.png"
    shutil.copy(cat, data / "train" / "copy.png")
    mirrored = np.ascontiguousarray(cv2.imread(str(dog))[:, ::-1])
    cv2.imwrite(str(data / "test" / "test0003.png"), mirrored)
    with (data / "trainLabels.csv").open("a", newline="") as stream:
        csv.writer(stream).writerow(["copy", "dog"])
    return data


def test_planted_copies_are_found_and_shown(planted: Path, tmp_path: Path) -> None:
    found, path = looked_at(registry.get("cats-dogs"), planted, tmp_path)
    copies = found.copies
    assert copies is not None
    leak, other = copies.pairs[:2]
    assert (leak.first.id, leak.second.id, leak.flip) == ("train0005", "test0003", "mirrored")
    assert leak.leak
    assert {other.first.id, other.second.id} == {"train0004", "copy"}
    assert (other.kind, other.other_label) == ("identical", True)
    assert (copies.identical, copies.leaks, copies.other_label) == (1, 1, 1)
    shown = path.read_text(encoding="utf-8").partition('id="copies"')[2].partition("<section")[0]
    assert shown.count('class="card"') == len(copies.pairs)
    assert shown.count("<img") == 2 * len(copies.pairs)
    assert "different targets" in shown
    assert {"identical-other-label", "near-in-test"} <= {finding.kind for finding in found.findings}


def test_few_of_many_samples_are_compared_and_the_page_says_so(
    drawn: Draw, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explore, "MOST_TRAIN", 20)
    monkeypatch.setattr(explore, "MOST_TEST", 4)
    competition = registry.get("cats-dogs")
    ids = [sample.id for sample in competition.samples(drawn(competition), "train")]
    choices: dict[str, Any] = {"neighbours": ids[17], "clusters": 3}
    found, path = looked_at(competition, drawn(competition), tmp_path, **choices)
    assert found.compared is not None
    assert found.compared.train in (20, 21)  # with the wanted one
    assert found.compared.test == 4
    (clustering,) = found.clusters.shown if found.clusters else ()
    assert clustering.k == 3
    counts = [c for cluster in clustering.clusters for c in [sum(cluster.classes.values())]]
    assert sum(counts) == found.compared.train
    assert [one.sample.id for one in found.neighbours] == [ids[17]]
    assert "a random part, chosen with seed" in seen(path).text


def test_an_unknown_sample_is_refused_before_images_are_read(drawn: Draw, tmp_path: Path) -> None:
    competition = registry.get("cats-dogs")
    with pytest.raises(ConfigError, match="no sample 'train0O04' among 80: did you mean"):
        looked_at(competition, drawn(competition), tmp_path, neighbours="train0O04")
    assert not (tmp_path / "explorations").exists()


def test_embeddings_of_a_weights_file_are_used(drawn: Draw, tmp_path: Path) -> None:
    import timm

    torch.manual_seed(5)
    weights = tmp_path / "w.pth"
    torch.save(timm.create_model("test_efficientnet").state_dict(), weights)
    competition = registry.get("cats-dogs")
    keys = {"backbone": "test_efficientnet", "weights": str(weights), "pretrained": True}
    keys |= {"image": {"size": 32}}
    found, path = looked_at(competition, drawn(competition), tmp_path, keys)
    assert found.compared is not None
    assert (found.compared.by, found.compared.backbone) == ("embeddings", "test_efficientnet")
    assert "embeddings of test_efficientnet" in seen(path).text
    with pytest.raises(CompError, match="wrong"):
        looked_at(competition, drawn(competition), tmp_path, keys | {"weights": "wrong.pth"})


def test_names_of_files_and_classes_do_nothing(drawn: Draw, tmp_path: Path) -> None:
    competition = registry.get("chest-xray")
    data = shutil.copytree(drawn(competition), tmp_path / "data")
    first = min((data / "train" / "NORMAL").glob("*.jpeg"))
    first.rename(first.with_name(f"{HOSTILE}.jpeg"))
    shutil.copy(first.with_name(f"{HOSTILE}.jpeg"), data / "test" / f"{HOSTILE}.jpeg")
    task = replace(competition.task, labels=("NORMAL", LABEL), label_names=_names)
    found, path = looked_at(replace(competition, task=task), data, tmp_path)
    page = seen(path)
    check_is_harmless(page)
    assert LABEL.replace("\n", "\\n") in page.text
    shown = HOSTILE.replace("\u202e", "\\u202e")
    assert f"train/NORMAL/{shown}.jpeg" in page.text
    assert found.copies is not None
    assert found.copies.leaks == 1


def _names(target: Any) -> tuple[str, ...]:
    return ("NORMAL", LABEL)[int(target) : int(target) + 1]


def test_cells_and_columns_of_a_table_do_nothing(drawn: Draw, tmp_path: Path) -> None:
    competition = registry.get("housing")
    data = shutil.copytree(drawn(competition), tmp_path / "data")
    for file in ("train.csv", "test.csv"):
        text = (data / file).read_text().replace("INLAND", f'"{SCRIPT}"')
        (data / file).write_text(text.replace("households", "<b onclick=1>"))
    keys = {"columns": {"pairs": [], "places": []}}
    found, path = looked_at(competition, data, tmp_path, keys)
    page = seen(path)
    check_is_harmless(page)
    assert "<b onclick=1>" in page.text
    assert SCRIPT in page.text
    assert found.columns is not None
    assert SCRIPT in found.columns.columns[-1].categories


def test_damaged_images_and_wrong_labels_are_shown_not_raised(drawn: Draw, tmp_path: Path) -> None:
    competition = registry.get("cats-dogs")
    data = shutil.copytree(drawn(competition), tmp_path / "data")
    (data / "train" / "train0004.png").write_bytes(b"no image")
    labels = (data / "trainLabels.csv").read_text()
    (data / "trainLabels.csv").write_text(labels.replace("train0007,dog", "train0007,bird"))
    found, path = looked_at(competition, data, tmp_path)
    assert {finding.severity for finding in found.findings} >= {"error"}
    assert found.clusters is not None
    assert "train0004" not in found.map.ids if found.map else False
    assert "Problem:" in seen(path).text


def test_data_without_a_sample_is_refused(drawn: Draw, tmp_path: Path) -> None:
    competition = registry.get("housing")
    data = shutil.copytree(drawn(competition), tmp_path / "data")
    for file in ("train.csv", "test.csv"):
        (data / file).write_text("")
    with pytest.raises(CompError, match=r"train\.csv"):
        looked_at(competition, data, tmp_path)
