"""What a bundle copies of denoising gives the same numbers as the plugin itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from comp.bundle.describe_network import describe_network
from comp.config.schema import RunConfig, resolve
from comp.contract import registry
from comp.data.images.decode import read_gray, write_image
from comp.errors import DataError
from competitions.denoising.linkage import average_linkage
from competitions.denoising.papers import estimate_paper
from competitions.denoising.portable import estimated_paper, reader

DENOISING = registry.get("denoising")


class Page(NamedTuple):
    id: str
    path: Path


def config(**keys: Any) -> RunConfig:
    return resolve("denoising", [DENOISING.defaults, keys], DENOISING.options)


def decode(path: Path, channels: int) -> np.ndarray:
    assert channels == 1
    return read_gray(path)[..., None]


def clusters_of_scipy(distances: np.ndarray, limit: float) -> list[list[int]]:
    plain = np.where(np.isinf(distances), 0, distances)
    labels = fcluster(linkage(squareform(plain), "average"), limit, "distance")
    return sorted(np.flatnonzero(labels == label).tolist() for label in np.unique(labels))


@pytest.mark.parametrize("whole", [True, False], ids=["with ties", "without ties"])
def test_clusters_are_those_of_scipy(whole: bool) -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        count = int(rng.integers(2, 30))
        values = rng.integers(0, 12, (count, count)) if whole else 10 * rng.random((count, count))
        distances = np.triu(values, 1).astype(np.float64)
        distances += distances.T
        np.fill_diagonal(distances, np.inf)
        wanted = clusters_of_scipy(distances, 4.0)
        assert sorted(average_linkage(distances, 4.0)) == wanted


def test_the_estimated_paper_is_that_of_opencv(pages: Path) -> None:
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, rng.integers(1, 40, 2), dtype=np.uint8) for _ in range(50)]
    for page in [*noise, read_gray(next((pages / "test").glob("*.png")))]:
        np.testing.assert_array_equal(estimated_paper(page), estimate_paper(page))


@pytest.mark.parametrize("background", ["recovered", "single", "off"])
def test_the_reader_returns_what_the_pipeline_returns(
    background: str, pages: Path, tmp_path: Path
) -> None:
    made = config(options={"background": background})
    train, test = (list(DENOISING.samples(pages, split)) for split in ("train", "test"))
    assert DENOISING.reader
    own, pipeline = (
        DENOISING.reader([*train, *test], made, tmp_path),
        DENOISING.pipeline(made, False),
    )
    images = [Page(sample.id, sample.image_file) for sample in test]
    portable = DENOISING.portable
    assert portable
    assert portable.reader
    read = portable.reader(images, pages, decode, portable.settings(made))
    for sample, image in zip(test, images, strict=True):
        wanted = pipeline({"image": own(sample)["image"]}, 0)["image"]
        np.testing.assert_array_equal(read(image), wanted)


def test_a_broken_page_is_told_when_it_is_read(tmp_path: Path) -> None:
    for name in "abcdef":
        write_image(tmp_path / "test" / f"{name}.png", np.full((20, 30), 200, np.uint8))
    broken = tmp_path / "test" / "c.png"
    broken.write_bytes(b"no page")
    images = [Page(name, tmp_path / "test" / f"{name}.png") for name in "abcdef"]
    read = reader(images, tmp_path, decode, {"background": "recovered"})
    assert read(images[0]).shape == (20, 30, 2)
    with pytest.raises(DataError, match=r"c\.png"):
        read(images[2])


@pytest.mark.parametrize("backbone", ["pagenet", "test_resnet"])
@pytest.mark.parametrize("background", ["recovered", "off"])
def test_the_network_is_built_again(backbone: str, background: str) -> None:
    made = config(backbone=backbone, options={"background": background})
    network = DENOISING.model(made)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    assert describe_network(network, made, DENOISING) == {
        "kind": "own",
        "arguments": [{"background": background, "backbone": backbone}],
    }
