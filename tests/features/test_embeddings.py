"""Embeddings: the pooled features of a pretrained backbone, and what looks alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import timm
import torch
from whole_run import competition_of

import comp
from comp.config.schema import resolve
from comp.contract.competition import Competition
from comp.contract.sample import Sample, Split
from comp.data.images.decode_many import read_resized
from comp.errors import CompError, ConfigError
from comp.features import embeddings, similarity
from comp.features.embedding_set import Embeddings
from comp.features.similarity import nearest, similar_pairs, unit_vectors

PLUGIN = """
from comp.tasks.classification import image_classification

COMPETITION = image_classification(
    classes=("cat", "dog"), name="pets", title="Pets", kaggle="competitions/pets", metric="auc"
)
"""


@pytest.fixture
def pets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Competition, dict[str, Any]]]:
    """A competition with data, and the arguments of `comp.embed` for it."""
    competition = competition_of(PLUGIN, monkeypatch)
    data, weights = tmp_path / "data" / "pets", tmp_path / "weights.pth"
    data.mkdir(parents=True)
    competition.draw_synthetic(data, np.random.default_rng(0))
    torch.manual_seed(5)
    torch.save(timm.create_model("test_efficientnet").state_dict(), weights)
    monkeypatch.chdir(tmp_path)
    keys = {"backbone": "test_efficientnet", "image.size": 32, "device": "cpu"}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield competition, {"set": keys, "weights": weights, "quiet": True}
    torch.set_num_threads(threads)


def test_embeddings_are_what_the_classifier_of_the_backbone_gets(
    pets: tuple[Competition, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    competition, arguments = pets
    found = comp.embed("pets", **arguments)
    samples = competition.samples(Path("data/pets"), "train")
    assert found.ids == [sample.id for sample in samples]
    assert found.values.shape == (len(samples), 256)
    assert found.values.dtype == np.float32
    backbone = timm.create_model("test_efficientnet")
    backbone.load_state_dict(torch.load(arguments["weights"], weights_only=True))
    config = resolve("pets", [competition.defaults, {"backbone": "test_efficientnet"}])
    config = config.model_copy(update={"image": config.image.model_copy(update={"size": 32})})
    spec = competition.image_spec(config)
    image = torch.from_numpy(np.array(read_resized(samples[3].image, spec))).permute(2, 0, 1)
    mean, std = (torch.tensor(backbone.pretrained_cfg[k]).view(3, 1, 1) for k in ("mean", "std"))
    with torch.no_grad():
        normal = ((image.float() / 255 - mean) / std)[None]
        pooled = backbone.eval().forward_head(backbone.forward_features(normal), pre_logits=True)
    np.testing.assert_allclose(found.values[3], pooled[0], rtol=1e-4, atol=1e-5)
    monkeypatch.setattr(embeddings, "write_store", None)  # computing again would fail
    assert np.array_equal(comp.embed(competition, **arguments).values, found.values)


def test_a_split_or_some_ids_in_their_order(pets: tuple[Competition, dict[str, Any]]) -> None:
    _, arguments = pets
    every = comp.embed("pets", split="all", **arguments)
    test = comp.embed("pets", split="test", **arguments)
    assert test.ids == every.of_split("test").ids
    np.testing.assert_allclose(test.values, every.of_split("test").values, rtol=1e-5, atol=1e-6)
    ids = [test.ids[4], test.ids[1]]
    some = comp.embed("pets", split="test", ids=ids, **arguments)
    assert some.ids == ids
    np.testing.assert_allclose(some.values, test.values[[4, 1]], rtol=1e-4, atol=1e-5)
    with pytest.raises(ConfigError, match="no sample 'nobody' among"):
        comp.embed("pets", ids=["nobody"], **arguments)
    with pytest.raises(ConfigError, match="split = 'val': use train, test or all"):
        comp.embed("pets", split="val", **arguments)  # type: ignore[arg-type]


def test_random_weights_have_no_embeddings(pets: tuple[Competition, dict[str, Any]]) -> None:
    _, arguments = pets
    with pytest.raises(ConfigError, match=r"weights of test_efficientnet are random.* --weights"):
        comp.embed("pets", pretrained=False, **{**arguments, "weights": None})


def test_a_copy_in_the_test_data_is_a_leak(pets: tuple[Competition, dict[str, Any]]) -> None:
    competition, arguments = pets
    train, test = (competition.samples(Path("data/pets"), s) for s in ("train", "test"))
    test[0].image.write_bytes(train[2].image.read_bytes())
    found = comp.embed("pets", split="all", **arguments)
    pairs = found.duplicates(0.9999)
    assert [(p.first, p.second, p.leak) for p in pairs] == [(train[2].id, test[0].id, True)]
    near = found.neighbours(train[2].id, 3)
    assert (near[0].id, near[0].split, near[0].label) == (test[0].id, "test", "")
    assert near[0].similarity == pytest.approx(1, abs=1e-5)
    assert len(near) == 3
    assert near[1].label in ("cat", "dog")
    with pytest.raises(ConfigError, match="no sample 'x' among"):
        found.neighbours("x")
    with pytest.raises(ConfigError, match="a similarity of 95 does not exist"):
        found.duplicates(95)


def test_an_id_of_both_splits_is_two_samples(
    pets: tuple[Competition, dict[str, Any]], tmp_path: Path
) -> None:
    competition, arguments = pets

    def numbered(root: Path, split: Split) -> Sequence[Sample]:
        listed = competition.samples(root, split)
        return [replace(sample, id=f"img{i}") for i, sample in enumerate(listed)]

    train, test = (competition.samples(Path("data/pets"), s) for s in ("train", "test"))
    test[0].image_file.write_bytes(train[2].image_file.read_bytes())
    twins = replace(competition, samples=numbered)
    every: Embeddings = comp.embed(twins, split="all", **arguments)

    assert every.ids.count("img0") == 2
    assert every.split_of("img0") == "train"
    assert every.of_split("test").split_of("img0") == "test"
    assert [(n.id, n.split) for n in every.neighbours("img2", 1)] == [("img0", "test")]
    copies = every.neighbours("img0", 1, split="test")
    assert [(n.id, n.split) for n in copies] == [("img2", "train")]
    assert every.neighbours("img0", 1) == every.neighbours("img0", 1, split="train") != copies
    (pair,) = every.duplicates(0.9999)
    assert (pair.first, pair.first_split) == ("img2", "train")
    assert (pair.second, pair.second_split) == ("img0", "test")
    with pytest.raises(ConfigError, match="no sample 'img0' of test among"):
        every.of_split("train").neighbours("img0", split="test")

    every.save(tmp_path / "vectors.parquet")
    rows = pl.read_parquet(tmp_path / "vectors.parquet").filter(pl.col("id") == "img0")
    assert rows["split"].to_list() == ["train", "test"]
    for split, values in zip(rows["split"], rows["embedding"].to_list(), strict=True):
        one = comp.embed(twins, split=split, ids=["img0"], **arguments)
        np.testing.assert_allclose(one.values[0], values, rtol=1e-4, atol=1e-5)
    with pytest.raises(ConfigError, match="train and test both have a sample 'img0': set split"):
        comp.embed(twins, split="all", ids=["img0"], **arguments)


@pytest.mark.parametrize("suffix", [".npz", ".parquet"])
def test_embeddings_are_saved(
    suffix: str, pets: tuple[Competition, dict[str, Any]], tmp_path: Path
) -> None:
    _, arguments = pets
    found: Embeddings = comp.embed("pets", **arguments)
    file = tmp_path / f"vectors{suffix}"
    found.save(file)
    if suffix == ".npz":
        saved = np.load(file)
        ids, labels, values = saved["ids"], saved["labels"], saved["embeddings"]
    else:
        table = pl.read_parquet(file)
        ids, labels, values = table["id"], table["label"], np.stack(table["embedding"].to_list())
    assert list(ids) == found.ids
    assert list(labels) == found.labels
    assert np.array_equal(values, found.values)
    with pytest.raises(CompError, match=r"vectors.csv is not a .npz or .parquet file"):
        found.save(tmp_path / "vectors.csv")


def test_similar_pairs_are_all_pairs_above_the_threshold() -> None:
    vectors = np.random.default_rng(0).normal(5, 1, (60, 4)).astype(np.float32)
    centred = vectors - vectors.mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    cosines = unit @ unit.T
    expected = {(i, j) for i in range(60) for j in range(i + 1, 60) if cosines[i, j] >= 0.9}
    pairs = similar_pairs(vectors, 0.9)
    assert {(pair.first, pair.second) for pair in pairs} == expected
    assert len(pairs) > 5
    assert [pair.similarity for pair in pairs] == sorted(
        (p.similarity for p in pairs), reverse=True
    )
    order = [int(j) for j in np.argsort(-cosines[7]) if j != 7]
    assert [row for row, _ in nearest(vectors, 7, 5)] == order[:5]


def test_too_many_pairs_and_equal_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    same = np.ones((20, 3), dtype=np.float32)
    assert len(similar_pairs(same, 0.99)) == 190
    assert np.allclose(unit_vectors(np.array([[3.0, 4.0], [0.0, 2.0]])), [[0.6, 0.8], [0, 1]])
    monkeypatch.setattr(similarity, "MAX_PAIRS", 100)
    with pytest.raises(ConfigError, match="more than 100 pairs of images"):
        similar_pairs(same, 0.99)
