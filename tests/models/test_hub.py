"""Fetch weights from a hub on this machine, and the errors without a hub."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import pytest
import timm
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from timm.models import PretrainedCfg

from comp.errors import ConfigError, WeightsError
from comp.files import sha256
from comp.models import hub as hub_module
from comp.models.hub import export_weights, fetch_weights, find_weights

NAME, HUB_ID = "test_resnet", "timm/test_resnet.r160_in1k"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Shelf(BaseHTTPRequestHandler):
    """Answers as the hub does, with the files that it is given."""

    def __init__(self, files: dict[str, bytes], asked: list[str], *args: object) -> None:
        self.files, self.asked = files, asked
        super().__init__(*args)  # type: ignore[arg-type]

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        self.asked.append(self.path)
        body = self.files.get(self.path)
        self.send_response(404 if body is None else 200)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("Content-Length", str(len(body or b"")))
        if body is None:
            self.send_header("X-Error-Code", "EntryNotFound")
        else:
            self.send_header("ETag", '"etag-of-the-file"')
        self.end_headers()
        if with_body and body:
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the hub's client ask another place, with an empty cache."""

    def to(endpoint: str) -> None:
        monkeypatch.setattr(constants, "ENDPOINT", endpoint)
        template = endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))

    return to


@pytest.fixture
def asked() -> list[str]:
    """What the hub was asked for."""
    return []


@pytest.fixture
def files() -> dict[str, bytes]:
    """What the hub holds, by path."""
    return {}


@pytest.fixture
def hub(
    files: dict[str, bytes], asked: list[str], point: Callable[[str], None]
) -> Iterator[ThreadingHTTPServer]:
    """A hub of our own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Shelf, files, asked)) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        point(f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(3)
    return timm.create_model(NAME).state_dict()


def test_a_backbone_has_its_place_on_the_hub(tmp_path: Path, point: Callable[[str], None]) -> None:
    point("https://huggingface.co")
    place = find_weights("resnet18")
    assert place.hub_id == "timm/resnet18.a1_in1k"
    assert place.url == (
        "https://huggingface.co/timm/resnet18.a1_in1k/resolve/main/model.safetensors"
    )
    assert place.input_size == (3, 224, 224)
    assert place.licence == "apache-2.0"
    assert "tv_in1k" in place.tags
    assert place.cached is None


def test_weights_that_are_on_no_hub_have_their_address(
    tmp_path: Path, point: Callable[[str], None]
) -> None:
    point("https://huggingface.co")
    place = find_weights("vit_huge_patch14_gap_224.in1k_ijepa")
    assert place.hub_id is None
    assert place.url == "https://dl.fbaipublicfiles.com/ijepa/IN1K-vit.h.14-300e.pth.tar"
    copy = tmp_path / "torch" / "hub" / "checkpoints" / "IN1K-vit.h.14-300e.pth.tar"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(b"weights")
    assert fetch_weights("vit_huge_patch14_gap_224.in1k_ijepa") == copy


def test_weights_that_are_on_no_hub_are_fetched_from_their_address(
    hub: ThreadingHTTPServer,
    files: dict[str, bytes],
    asked: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = f"http://127.0.0.1:{hub.server_port}/made.pth"
    monkeypatch.setattr("comp.models.hub.pretrained_cfg", lambda name: PretrainedCfg(url=url))
    with pytest.raises(WeightsError, match=rf"cannot fetch pretrained weights of {NAME} \(HTTP"):
        fetch_weights(NAME)
    files["/made.pth"] = b"some weights"
    path = fetch_weights(NAME)
    assert path == tmp_path / "torch" / "hub" / "checkpoints" / "made.pth"
    assert path.read_bytes() == b"some weights"
    asked.clear()
    assert (fetch_weights(NAME), asked) == (path, [])


def test_weights_are_fetched_once_and_then_read_from_the_local_copy(
    hub: ThreadingHTTPServer,
    files: dict[str, bytes],
    asked: list[str],
    state: dict[str, torch.Tensor],
    tmp_path: Path,
) -> None:
    save_file(state, tmp_path / "made.safetensors")
    path = f"/{HUB_ID}/resolve/main/model.safetensors"
    files[path] = (tmp_path / "made.safetensors").read_bytes()
    first = fetch_weights(NAME)
    assert first.read_bytes() == files[path]
    assert path in asked
    asked.clear()
    assert find_weights(NAME).cached == first
    assert fetch_weights(NAME) == first
    assert asked == []


def test_weights_are_saved_under_the_name_of_the_backbone(
    hub: ThreadingHTTPServer,
    files: dict[str, bytes],
    state: dict[str, torch.Tensor],
    tmp_path: Path,
) -> None:
    save_file(state, tmp_path / "made.safetensors")
    files[f"/{HUB_ID}/resolve/main/model.safetensors"] = (
        tmp_path / "made.safetensors"
    ).read_bytes()
    assert export_weights(NAME, tmp_path) == tmp_path / f"{NAME}.safetensors"
    assert export_weights(NAME, tmp_path / "new" / "mine.safetensors").is_file()
    digests = {sha256(path) for path in tmp_path.glob("**/*.safetensors") if path.is_file()}
    assert len(digests) == 1
    with pytest.raises(ConfigError, match=r"mine\.pth does not end in \.safetensors: name a"):
        export_weights(NAME, tmp_path / "mine.pth")
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(WeightsError, match=r"cannot write .*taken"):
        export_weights(NAME, tmp_path / "taken" / "mine.safetensors")


def test_an_older_file_of_the_hub_is_saved_as_safetensors(
    hub: ThreadingHTTPServer,
    files: dict[str, bytes],
    state: dict[str, torch.Tensor],
    tmp_path: Path,
) -> None:
    torch.save(state, tmp_path / "made.bin")
    files[f"/{HUB_ID}/resolve/main/pytorch_model.bin"] = (tmp_path / "made.bin").read_bytes()
    saved = load_file(export_weights(NAME, tmp_path))
    assert saved.keys() == state.keys()
    assert all(torch.equal(tensor, saved[key]) for key, tensor in state.items())


def assert_the_three_ways(refused: pytest.ExceptionInfo[WeightsError]) -> None:
    line = str(refused.value)
    assert line.startswith(f"cannot fetch pretrained weights of {NAME} (")
    assert f"comp weights {NAME} --out FILE" in line
    assert "--weights FILE" in line
    assert "--no-pretrained" in line
    assert "\n" not in line
    assert len(line) < 600


def test_a_hub_without_the_file_is_named_with_the_three_ways(hub: ThreadingHTTPServer) -> None:
    with pytest.raises(WeightsError) as refused:
        fetch_weights(NAME)
    assert_the_three_ways(refused)


def test_a_hub_that_refuses_is_known_at_once(
    point: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "PROBE_S", 300.0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening
        point(f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(WeightsError) as refused:
            fetch_weights(NAME)
    assert_the_three_ways(refused)
    assert "no answer within" not in str(refused.value)


def test_a_hub_that_never_answers_is_given_up_within_ten_seconds(
    point: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hub_module.PROBE_S < 10
    monkeypatch.setattr(hub_module, "PROBE_S", 0.6)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        point(f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(WeightsError, match=r"no answer within 1 seconds|timed out") as refused:
            fetch_weights(NAME)
    assert_the_three_ways(refused)


def test_an_address_that_is_never_found_is_given_up(
    point: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    point("http://hub.invalid")
    over = Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: over.wait(600))
    monkeypatch.setattr(hub_module, "PROBE_S", 0.6)
    with pytest.raises(WeightsError, match="no answer within 1 seconds") as refused:
        fetch_weights(NAME)
    over.set()
    assert_the_three_ways(refused)


def test_a_user_who_wants_no_network_is_not_asked_for_one(
    hub: ThreadingHTTPServer, asked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(WeightsError) as refused:
        fetch_weights(NAME)
    assert_the_three_ways(refused)
    assert asked == []


def test_a_backbone_without_weights_says_so() -> None:
    with pytest.raises(WeightsError, match="timm has no pretrained weights of regnetz_b16_evos"):
        fetch_weights("regnetz_b16_evos")
