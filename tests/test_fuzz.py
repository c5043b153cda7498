"""Odd and damaged inputs: a right result, or one line that says what is wrong.

Pictures are compared with what was drawn, or where a change left a file readable with what Pillow
makes of it by its shortest way. The slow versions of the tests try many more inputs.
"""

from __future__ import annotations

import csv
import io
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import forked_comp
import numpy as np
import pytest
import torch
from damaged import Specimen, bombs, chunked, hopeless, odd, picture, plain
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from comp.cli import main
from comp.config.parsing import parse_sets, read_toml
from comp.config.schema import RunConfig, resolve
from comp.contract.competition import ImageSpec
from comp.contract.sample import Sample
from comp.data.images.cache import build_cache, image_reader
from comp.data.images.check import check_images
from comp.data.images.decode import read_gray, read_image, read_rgb
from comp.data.images.resize import resize_image
from comp.data.listing import samples_in_folder
from comp.data.location import DataSource
from comp.errors import CompError, DataError, RunError
from comp.pipeline.predict import predict
from comp.pipeline.run import run
from comp.runs.progress import Silent
from comp.submission.spec import SubmissionSpec
from comp.submission.validate import validate_submission
from comp.submission.write import make_submission
from comp.tasks.label_cells import LabelCells
from comp.tasks.multiclass import multiclass
from comp.tasks.table import Table
from comp.workspace import Workspace
from competitions.denoising import COMPETITION as DENOISING

LONGEST_S = 10.0
"""Seconds of the processor for reading one file."""
ODD = {specimen.name: specimen for specimen in odd()}
HOPELESS = {specimen.name: specimen for specimen in hopeless()}
NAMES = sorted(plain())
DAMAGED = (
    *("plain.png", "plain.jpg", "plain.webp", "plain.lossy.webp", "plain.bmp", "plain.tif"),
    *("plain.lzw.tif", "plain.progressive.jpg", "plain.interlaced.png", "palette-hole.png"),
    *("gif-named.png", "film.png", "film.webp", "turned-6.jpg", "turned-6.tif", "grey16.png"),
    *("inks.jpg", "fax.tif", "palette.bmp", "film-named.png"),
)


def examples(quick: int, slow: int) -> pytest.MarkDecorator:
    """So many examples in the quick run, and so many in the slow one."""
    return pytest.mark.parametrize("count", [quick, pytest.param(slow, marks=pytest.mark.slow)])


def fuzz(count: int, check: Callable[..., None], *strategies: Any) -> None:
    """Call `check` with so many draws, the same at every run."""
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    limits = settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=quiet,
    )
    limits(given(*strategies)(check))()


def outcome(path: Path) -> np.ndarray | None:
    """What a file is read as, RGB; None where every way to read it refuses it in one line."""
    found: list[np.ndarray | None] = []
    for read in (read_rgb, read_gray, lambda p: read_image(p, 3), lambda p: read_image(p, 1, 8)):
        began = time.process_time()
        try:
            found.append(read(path))
        except DataError as error:
            message = str(error)
            assert str(path) in message
            assert "\n" not in message
            assert len(message) < len(str(path)) + 200
            found.append(None)
        assert time.process_time() - began < LONGEST_S
    assert len({image is None for image in found}) == 1
    colour, light, quick, _ = found
    if colour is None or light is None or quick is None:
        return None
    assert colour.dtype == light.dtype == np.uint8
    assert colour.shape == quick.shape == (*light.shape, 3)
    np.testing.assert_array_equal(colour, quick)
    np.testing.assert_array_equal(light, cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY))
    return colour


def assert_shows(image: np.ndarray, wanted: np.ndarray, within: int) -> None:
    assert image.shape == wanted.shape
    assert np.abs(image.astype(int) - wanted).max() <= within


def opinion(data: bytes) -> np.ndarray:
    """What Pillow reads, upright, laid on white: uint8 RGB."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            try:
                upright = ImageOps.exif_transpose(image)
            except Exception:  # no metadata, no turn
                upright = image
        if upright.mode.startswith("I;16"):
            upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
        glass = upright.convert("RGBA")
        white = Image.new("RGBA", glass.size, "white")
        return np.asarray(Image.alpha_composite(white, glass).convert("RGB"))


@pytest.mark.parametrize("name", ODD)
def test_an_odd_image_is_read_as_what_it_shows(name: str, tmp_path: Path) -> None:
    specimen = ODD[name]
    (tmp_path / name).write_bytes(specimen.data)
    image = outcome(tmp_path / name)
    assert image is not None
    assert specimen.shows is not None
    assert_shows(image, specimen.shows, specimen.within)


@pytest.mark.parametrize("name", [name for name in ODD if ODD[name].within])
def test_a_lossy_image_is_read_as_opencv_reads_it(name: str, tmp_path: Path) -> None:
    if name == "inks.jpg":
        pytest.skip("OpenCV mixes printing inks in a way of its own")
    (tmp_path / name).write_bytes(ODD[name].data)
    other = cv2.imdecode(np.frombuffer(ODD[name].data, np.uint8), cv2.IMREAD_COLOR)
    assert_shows(read_rgb(tmp_path / name), other[..., ::-1], 2)


@pytest.mark.parametrize("name", HOPELESS)
def test_what_is_no_whole_image_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(HOPELESS[name].data)
    assert outcome(tmp_path / name) is None


@pytest.mark.parametrize("step", [10, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", NAMES)
def test_a_cut_image_is_whole_or_refused(name: str, step: int, tmp_path: Path) -> None:
    base = plain()[name]
    path = tmp_path / base.name
    whole = 0
    for size in sorted(
        {*range(0, len(base.data), step), *range(len(base.data) - 9, len(base.data))}
    ):
        path.write_bytes(base.data[:size])
        image = outcome(path)
        if image is not None:
            assert base.shows is not None
            assert_shows(image, base.shows, base.within)
            whole += 1
    assert whole < 200  # what stands behind the pixels


@st.composite
def damages(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes of a file after one to four accidents."""
    found = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(found) - 1)))
        size = draw(st.integers(1, 24))
        match draw(
            st.sampled_from(["flip", "flip", "set", "cut", "insert", "drop", "zero", "copy"])
        ):
            case "flip" if found:
                found[at] ^= 1 << draw(st.integers(0, 7))
            case "set":
                found[at : at + 4] = draw(
                    st.sampled_from([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff"])
                )
            case "cut":
                del found[at:]
            case "insert":
                found[at:at] = draw(st.binary(min_size=1, max_size=24))
            case "drop":
                del found[at : at + size]
            case "zero":
                found[at : at + size] = bytes(len(found[at : at + size]))
            case "copy":
                found[at:at] = found[at : at + size]
    return bytes(found)


@examples(30, 4000)
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_image_is_read_right_or_refused(name: str, count: int, tmp_path: Path) -> None:
    base, path = ODD[name], tmp_path / name

    def check(data: bytes) -> None:
        path.write_bytes(data)
        image = outcome(path)
        if image is None:
            return
        assert_shows(image, opinion(data), 2)
        if data.startswith(b"\x89PNG") and "film" not in name:  # which has sums
            assert base.shows is not None
            assert_shows(image, base.shows, 0)

    fuzz(count, check, damages(base.data))


@examples(60, 2000)
def test_chunks_in_disorder_are_read_right_or_refused(count: int, tmp_path: Path) -> None:
    signature, chunks = chunked(picture())
    path = tmp_path / "a.png"

    def check(order: list[int]) -> None:
        path.write_bytes(signature + b"".join(chunks[index] for index in order))
        image = outcome(path)
        if image is not None:
            assert_shows(image, picture(), 0)

    places = st.sampled_from(range(len(chunks)))
    shuffled = st.permutations(range(len(chunks)))
    fuzz(count, check, shuffled | st.lists(places, max_size=12))


def corpus(folder: Path, specimens: Sequence[Specimen]) -> list[Sample]:
    folder.mkdir(parents=True, exist_ok=True)
    for specimen in specimens:
        (folder / specimen.name).write_bytes(specimen.data)
    return [Sample(id=s.name, image=folder / s.name, target=1.0) for s in specimens]


def test_a_cache_holds_the_sound_images_and_names_the_others(tmp_path: Path) -> None:
    samples = corpus(tmp_path / "in", [*ODD.values(), *HOPELESS.values()])
    refused = {str(tmp_path / "in" / name) for name in HOPELESS}
    spec = ImageSpec(size=32)
    prepared = build_cache(samples, spec, tmp_path / "caches", skip_bad=True)
    assert set(prepared.skipped) == refused
    assert set(check_images(samples, skip_bad=True)) == refused
    assert all(path in reason for path, reason in prepared.skipped.items())
    prepared.write_pointer(tmp_path)
    reader = image_reader(samples, spec, tmp_path)
    assert reader.cache is not None
    for sample in samples:
        specimen = ODD.get(sample.id)
        if specimen is not None and specimen.shows is not None:
            wanted = resize_image(specimen.shows, spec)
            assert_shows(reader(sample)["image"], wanted, 2 + specimen.within)
    with pytest.raises(DataError, match=f"^{len(refused)} of {len(samples)} images") as caught:
        build_cache(samples, spec, tmp_path / "caches")
    assert "\n" not in str(caught.value)


MEMORY = """
import resource, sys
from pathlib import Path
from comp.data.images.decode import read_image
from comp.errors import DataError
started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        read_image(path, 3, 8)
        print("read", path)
    except DataError as error:
        assert str(path) in str(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - started)
"""


def test_huge_declared_sizes_take_no_memory(tmp_path: Path) -> None:
    corpus(tmp_path, list(bombs()))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", MEMORY, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    assert done.stderr == ""
    assert int(done.stdout) < 50_000  # kB


QUICK_RUN = (
    *("run", "chest-xray", "--data", "shots", "--folds", "2", "--max-steps", "1"),
    *("--device", "cpu", "--no-pretrained", "--set", "backbone=test_resnet"),
    *("--set", "image.size=32", "--set", "loader.batch_size=4"),
)
SPOILT = ("empty.png", "text.png", "bomb.png", "bomb-gif.png", "half-stream.png", "zero-tail.jpg")
UNUSUAL = ("turned-6.webp", "film.png", "palette-hole.png", "inks.jpg", "negative16.tif")
NAMED = (
    "a,b.png",
    'a"b.png',
    "a\nb.png",
    "a b.png",
    "漢字.png",
    "#.png",
    "'.png",
    "x" * 200 + ".png",
)
UNUSUAL += ("1x1.png", "20000x1.png", "1x20000.jpg", "bits.bmp", "glass.webp", "gif-named.png")


@dataclass(frozen=True)
class Done:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """What --json printed."""
        assert self.code == 0, self.err
        assert "Traceback" not in self.err
        assert "Warning" not in self.err
        return dict(json.loads(self.out.splitlines()[-1]))

    @property
    def refusal(self) -> str:
        """The one line on stderr of a command that was refused."""
        assert (self.code, self.out) == (2, ""), self.err
        assert self.err.startswith("comp: ")
        assert self.err.count("\n") == 1
        return self.err


def process(here: Path, *args: str) -> Done:
    """Run a command in a process of its own."""
    found = forked_comp.run(*args, cwd=here)
    return Done(found.returncode, found.stdout, found.stderr)


def inside(here: Path, *args: str) -> Done:
    """Run a command in this process, which has loaded torch already."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(here)
        patch.setattr(sys, "argv", ["comp", *args])
        with pytest.raises(SystemExit) as stop:
            main()
    return Done(int(stop.value.code or 0), out.getvalue(), err.getvalue())


Comp = Callable[..., Done]


@pytest.fixture(scope="module", params=[inside, pytest.param(process, marks=pytest.mark.slow)])
def comp(request: pytest.FixtureRequest) -> Comp:
    """The command line."""
    return request.param


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with drawn radiographs, unusual and spoilt ones among them."""
    folder = tmp_path_factory.mktemp("here")
    for number in range(6):
        for place in ("train/NORMAL/IM-0{}00-0001", "train/PNEUMONIA/person{}_virus_1"):
            path = folder / "shots" / f"{place.format(number)}.jpeg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(plain()["jpg"].data)
    corpus(folder / "shots" / "train" / "NORMAL", [ODD[name] for name in UNUSUAL])
    corpus(folder / "shots" / "test", [ODD[name] for name in UNUSUAL])
    corpus(folder / "shots" / "test", [Specimen(name, plain()["png"].data) for name in NAMED])
    return folder


@pytest.fixture(scope="module")
def spoilt(here: Path) -> Path:
    """The same with spoilt images in a class and in the test folder."""
    folder = here.parent / f"{here.name}-spoilt"
    shutil.copytree(here, folder)
    corpus(folder / "shots" / "train" / "PNEUMONIA", [HOPELESS[name] for name in SPOILT])
    corpus(folder / "shots" / "test", [HOPELESS["bomb.jpg"]])
    return folder


def test_a_run_refuses_spoilt_images_in_one_line(spoilt: Path) -> None:
    line = process(spoilt, *QUICK_RUN).refusal
    assert f"{len(SPOILT) + 1} of " in line
    assert "--skip-bad" in line


@pytest.fixture(scope="module")
def left_out(comp: Comp, spoilt: Path) -> dict[str, Any]:
    """A run that left the spoilt images out, in the words of --json."""
    return comp(spoilt, *QUICK_RUN, "--skip-bad", "--json").summary


def test_a_run_leaves_spoilt_images_out_and_says_which(left_out: dict[str, Any]) -> None:
    record = json.loads((Path(left_out["run_dir"]) / "run.json").read_text())
    assert {Path(path).name for path in record["skipped"]} == {*SPOILT, "bomb.jpg"}
    assert sorted(ids_in(Path(left_out["submission"]))) == sorted([*UNUSUAL, *NAMED, "bomb.jpg"])


def test_a_prediction_leaves_spoilt_images_out_and_says_which(
    comp: Comp, left_out: dict[str, Any], spoilt: Path, tmp_path: Path
) -> None:
    corpus(tmp_path, [ODD[name] for name in UNUSUAL] + [HOPELESS[name] for name in SPOILT])
    args = ("predict", left_out["run_id"], "--data", str(tmp_path), "--skip-bad", "--json")
    made = comp(spoilt, *args).summary
    assert {Path(path).name for path in made["skipped"]} == set(SPOILT)
    assert made["samples"] == len(UNUSUAL)


@pytest.fixture(scope="module")
def finished(comp: Comp, here: Path) -> dict[str, Any]:
    """A run on sound images alone."""
    return comp(here, *QUICK_RUN, "--json").summary


@pytest.mark.parametrize("name", SPOILT)
def test_a_prediction_refuses_a_spoilt_image_in_one_line(
    name: str, comp: Comp, finished: dict[str, Any], here: Path, tmp_path: Path
) -> None:
    corpus(tmp_path, [ODD["plain.png"], HOPELESS[name]])
    line = comp(here, "predict", finished["run_id"], "--data", str(tmp_path)).refusal
    assert name in line


@pytest.fixture(scope="module")
def cleaner(
    tmp_path_factory: pytest.TempPathFactory, pages: Path, tiny: RunConfig
) -> tuple[Workspace, str]:
    """A denoiser that was trained for two steps, and the workspace that it lies in."""
    workspace = Workspace.at(tmp_path_factory.mktemp("workspace"))
    return workspace, run(tiny, DataSource(pages, True), workspace, Silent(), only=[0]).run_id


def test_pages_of_every_kind_are_cleaned(cleaner: tuple[Workspace, str], tmp_path: Path) -> None:
    workspace, run_id = cleaner
    names = [*UNUSUAL, "grey16.png", "palette.tif"]
    corpus(tmp_path / "scans", [ODD[name] for name in names])
    made = predict(run_id, workspace, data=tmp_path / "scans", out=tmp_path / "out")
    for name in names:
        page = read_gray((tmp_path / "out" / "images" / name).with_suffix(".png"))
        shows = ODD[name].shows
        assert shows is not None
        assert page.shape == shows.shape[:2]
    assert made.samples == len(names)


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_page_is_refused_by_name(
    name: str, cleaner: tuple[Workspace, str], tmp_path: Path
) -> None:
    workspace, run_id = cleaner
    corpus(tmp_path / "scans", [ODD["plain.png"], HOPELESS[name]])
    with pytest.raises(DataError, match=name):
        predict(run_id, workspace, data=tmp_path / "scans", out=tmp_path / "out")


def test_a_file_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"scan-\xff.png")
    try:
        path.write_bytes(plain()["png"].data)
    except OSError:
        pytest.skip("this file system takes text alone")
    with pytest.raises(DataError, match=r"not UTF-8.*rename it") as caught:
        samples_in_folder(tmp_path)
    str(caught.value).encode()
    (tmp_path / "train").mkdir()
    path.rename(tmp_path / "train" / path.name)
    with pytest.raises(DataError, match=r"not UTF-8"):
        DENOISING.samples(tmp_path, "train")


class Trap:
    """Makes a file where it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (self.trace,)


def set_trap(path: Path, kind: str, trace: Path) -> None:
    """Write a checkpoint with code in it, in one of the forms that torch has had."""
    trap = Trap(trace)
    state = {"conv1.weight": torch.zeros(1), "state_dict": trap}
    if kind == "plain":
        path.write_bytes(pickle.dumps(trap))
    elif kind == "old":
        torch.save(state, path, _use_new_zipfile_serialization=False)
    else:
        torch.save(state, path)


@pytest.mark.parametrize("kind", ["plain", "old", "zip"])
@pytest.mark.parametrize("name", ["evil.pth", "evil.bin", "evil.safetensors"])
def test_weights_with_code_in_them_are_refused(
    name: str, kind: str, comp: Comp, here: Path, tmp_path: Path
) -> None:
    trace, evil = tmp_path / "trace", tmp_path / name
    set_trap(evil, kind, trace)
    args = [arg for arg in QUICK_RUN if arg != "--no-pretrained"]
    assert name in comp(here, *args, "--weights", str(evil)).refusal
    assert not trace.exists()


@pytest.mark.parametrize("kind", ["plain", "old", "zip", "noise"])
def test_a_checkpoint_that_became_a_pickle_is_refused(
    kind: str, cleaner: tuple[Workspace, str], pages: Path, tmp_path: Path
) -> None:
    workspace, run_id = cleaner
    checkpoint = workspace.find_run(run_id) / "fold-0" / "model.safetensors"
    whole, trace = checkpoint.read_bytes(), tmp_path / "trace"
    try:
        if kind == "noise":
            checkpoint.write_bytes(whole[:100])
        else:
            set_trap(checkpoint, kind, trace)
        with pytest.raises(RunError, match=r"model\.safetensors is not a readable checkpoint"):
            predict(run_id, workspace, data=pages / "test", out=tmp_path / "out")
    finally:
        checkpoint.write_bytes(whole)
    assert not trace.exists()


def settled(call: Callable[[], Any]) -> Any:
    """What a call returns; None where it refuses."""
    try:
        return call()
    except CompError:
        return None


ODD_TEXTS = [
    *("", " ", "a b", "a,b", 'a"b', "a\nb", "a\r\nb", "a/b", "../a", "'", "#", "é", "漢字", "🐈"),
    *("\ufeffa", "NaN", "null", "1e999", "-0", "0x1F", "x" * 3000, "\0", "\x1b[31m", "=1+1", "%s"),
]
ODD_KEYS = [
    *(
        "folds",
        "seed",
        "epochs",
        "budget",
        "freeze",
        "weights",
        "backbone_args",
        "optim",
        "options",
    ),
    *("optim.lr", "optim.betas", "image.size", "image.mean", "options.crop", "competition", "a..b"),
    *("predict.tta", "loss.weights", "backbone_args.x", "optim.lr.x", "folds.x"),
    *("a" + ".a" * 3000, "backbone_args" + ".a" * 3000),
]
ODD_VALUES = [
    *("3", "-1", "1e400", "9" * 5000, "true", "none", "inf", "nan", "[1, 2]", "[[" * 2000, "{a=1}"),
    *("{a={b={}}}", "1979-05-27", "1979-13-99", '"x"', "1h30m", "9h" * 400, "3\nseed = 4", "'''a"),
]
TEXTS = st.sampled_from(ODD_TEXTS) | st.text(max_size=12)
KEYS, VALUES = st.sampled_from(ODD_KEYS), TEXTS | st.sampled_from(ODD_VALUES)


def assert_config(layer: dict[str, Any]) -> None:
    """A configuration that is taken can be written down and read again."""
    config = resolve("denoising", [DENOISING.defaults, layer], DENOISING.options)
    record = json.dumps(config.model_dump(mode="json"))
    again = resolve("denoising", [json.loads(record)], DENOISING.options)
    assert json.dumps(again.model_dump(mode="json")) == record


@examples(200, 20_000)
def test_any_assignment_is_taken_or_refused(count: int) -> None:
    def check(assignments: list[str]) -> None:
        settled(lambda: assert_config(parse_sets(assignments)))

    for key, value in product(ODD_KEYS, [*ODD_TEXTS, *ODD_VALUES]):
        check([f"{key}={value}"])
    pairs = st.builds("{}={}".format, KEYS | TEXTS, VALUES)
    fuzz(count, check, st.lists(pairs | TEXTS, max_size=3))


def test_an_assignment_sets_one_key() -> None:
    assert parse_sets(["folds=3\nseed = 4"]) == {"folds": "3\nseed = 4"}


@examples(60, 10_000)
def test_any_config_file_is_taken_or_refused(count: int, tmp_path: Path) -> None:
    base = b'seed = 3\nbackbone = "x"\n[optim]\nlr = 1e-3\nbetas = [0.9, 1]\n[image]\nsize = 9\n'
    path = tmp_path / "mine.toml"

    def check(data: bytes) -> None:
        path.write_bytes(data)
        settled(lambda: assert_config(read_toml(path)))

    for key, value in product(ODD_KEYS, ODD_VALUES[::3]):
        check(f"{key} = {value}\n".encode())
    lines = st.lists(st.builds("{} = {}\n".format, KEYS, VALUES), max_size=3)
    fuzz(count, check, damages(base) | lines.map(lambda parts: "".join(parts).encode()))


CLASSES = ("cat", "dog", "owl")
TABLE = Table(
    cells=LabelCells(task=multiclass(CLASSES), columns=("label",)),
    labels="train.csv",
    id_column="id",
    group_column="owner",
    images="train",
    test_images="test",
    sample_submission="sample.csv",
    submission_id=None,
    submit="label",
    columns=("label",),
)
ON_DISK = ("a", "a b", "a,b", 'a"b', "é", "漢字", "deep/a", "a.b", "-", "null", "#")


@pytest.fixture(scope="module")
def table_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("table")
    for folder in ("train", "test"):
        for name in ON_DISK:
            path = root / folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(plain()["png"].data)
    return root


def write_csv(path: Path, rows: Sequence[Sequence[str]], quoting: Any = csv.QUOTE_MINIMAL) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n", quoting=quoting).writerows(rows)


@examples(60, 10_000)
def test_any_rows_of_labels_are_read_right_or_refused(count: int, table_root: Path) -> None:
    def check(rows: list[tuple[str, str, str]]) -> None:
        write_csv(table_root / "train.csv", [("id", "label", "owner"), *rows])
        write_csv(table_root / "sample.csv", [("id", "label"), *(row[:2] for row in rows)])
        train = settled(lambda: TABLE.samples(table_root, "train"))
        test = settled(lambda: TABLE.samples(table_root, "test"))
        if train is not None:
            some = [row for row in rows if any(row)]  # a line of commas alone is no row
            labels = [row[1].strip() for row in some]
            names = [n if n in CLASSES else CLASSES[int(float(n))] for n in labels]
            assert [s.stratum for s in train] == names
            assert [s.id for s in train] == [row[0] for row in some]
            groups = [row[2] if row[2].strip() else None for row in some]
            assert [s.group for s in train] == groups
        if test is not None:
            assert [s.id for s in test] == [row[0] for row in rows if any(row[:2])]
            assert all(s.image.is_file() for s in test)

    names, labels = st.sampled_from(ON_DISK), st.sampled_from(CLASSES)
    sound = st.tuples(names, labels, TEXTS.filter(lambda text: "\r" not in text))
    fuzz(count, check, st.lists(sound | st.tuples(TEXTS, TEXTS, TEXTS), max_size=5))


@examples(60, 10_000)
def test_any_file_of_labels_is_read_or_refused(count: int, table_root: Path) -> None:
    base = 'id,label,owner\na,cat,x\n"a,b",dog,y\né,owl,\ndeep/a,1,z\n'.encode()

    def check(data: bytes) -> None:
        for name in ("train.csv", "sample.csv"):
            (table_root / name).write_bytes(data)
        for split in ("train", "test"):
            found = settled(lambda split=split: TABLE.samples(table_root, split))
            assert found is None or (found and all(s.image.is_file() for s in found))

    fuzz(count, check, damages(base) | st.binary(max_size=60))


IDS = st.lists(TEXTS.filter(bool), min_size=1, max_size=6, unique=True)


def ids_in(path: Path) -> list[str]:
    """The first column of a CSV, as Python's own reader reads it."""
    with path.open(newline="", encoding="utf-8") as stream:
        return [row[0] for row in csv.reader(stream) if row][1:]


@examples(60, 10_000)
@pytest.mark.parametrize("file", [False, True], ids=["ids", "sample"])
def test_a_submission_of_any_ids_comes_back(file: bool, count: int, tmp_path: Path) -> None:
    path, sample = tmp_path / "mine.csv", tmp_path / "sample.csv"
    numbers = st.floats(0, 1) | st.sampled_from([float("nan"), float("inf"), -1.0, 2.0])

    def check(ids: list[str], value: float) -> None:
        write_csv(sample, [("id", "value"), *((one, "0") for one in ids)], csv.QUOTE_ALL)
        path.unlink(missing_ok=True)
        parts = [{"id": [one], "value": [value]} for one in ids]
        spec = SubmissionSpec(template=sample if file else ids, limits=(0.0, 1.0))
        rows = settled(lambda: make_submission(path, parts, spec))
        assert path.exists() == (rows is not None)
        assert (rows is not None) == (0 <= value <= 1)
        if rows is not None:
            assert rows == len(ids)
            assert ids_in(path) == ids

    fuzz(count, check, IDS, numbers)


@examples(60, 10_000)
def test_any_file_is_a_submission_or_refused(count: int, tmp_path: Path) -> None:
    base = 'id,value\na,0.5\n"b,c",0.25\né,1\nd,0\n'.encode()
    ids = ["a", "b,c", "é", "d"]
    path = tmp_path / "mine.csv"
    spec = SubmissionSpec(template=ids, limits=(0.0, 1.0))

    def check(data: bytes) -> None:
        path.write_bytes(data)
        rows = settled(lambda: validate_submission(path, spec))
        if rows is not None:
            assert rows == len(ids)
            assert ids_in(path) == ids

    fuzz(count, check, damages(base) | st.binary(max_size=60))
