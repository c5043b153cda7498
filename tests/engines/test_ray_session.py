"""Connecting to a cluster: what is said when there is none. Nothing of Ray starts here."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from comp.config.placement import Placement
from comp.engines import ray_session
from comp.engines.choose import Machine
from comp.engines.ray_cluster import make_ray_engine
from comp.engines.ray_session import cluster_address, plugin_folder
from comp.errors import ConfigError, RunError


def test_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert cluster_address("ray") == "local"
    monkeypatch.setenv("RAY_ADDRESS", "10.0.0.1:6379")
    assert cluster_address("ray") == "10.0.0.1:6379"
    for address in ("auto", "head:6379", "ray://head.example.org:10001"):
        assert cluster_address(address) == address
    for wrong in ("cluster", "http://head:8265", "head"):
        with pytest.raises(ConfigError, match=rf"^on = {wrong}: give ray, "):
            cluster_address(wrong)


def test_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    engine = make_ray_engine(Placement(on="auto"), Machine(device="cpu"), 2)
    with pytest.raises(ConfigError, match=r"^--on needs Ray, .*: pip install 'ray\[client\]'$"):
        engine.__enter__()


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_no_cluster_is_said_at_once(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray is not asked, which would look for a minute."""
    pytest.importorskip("ray")
    monkeypatch.delattr(ray_session, "_connect")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        address = f"{scheme}127.0.0.1:{closed.getsockname()[1]}"
        engine = make_ray_engine(Placement(on=address), Machine(device="cpu"), 2)
        with pytest.raises(RunError, match=rf"^no Ray cluster at {address} \(Connection refused\)"):
            engine.__enter__()


@pytest.mark.parametrize(
    ("address", "raised", "said"),
    [
        ("local", Exception("The current node timed out"), "^Ray does not start here "),
        ("auto", ConnectionError("Could not find any"), "^this machine is in no Ray cluster: "),
        ("h:1", RuntimeError("Version mismatch: The cluster"), "^the cluster at h:1 has other v"),
        (
            "h:1",
            RuntimeError("No node info\nfound"),
            r"^cannot join .* at h:1 \(No node info found",
        ),
    ],
)
def test_what_ray_raises_is_one_line(address: str, raised: Exception, said: str) -> None:
    class Ray:
        """Ray, whose connection fails."""

        @staticmethod
        def init(**_options: object) -> None:
            """Fail."""
            raise raised

    with pytest.raises(RunError, match=said) as caught:
        ray_session._connect(Ray, address, {})
    assert "\n" not in str(caught.value)


def test_the_plugins_of_the_user_travel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert plugin_folder() is None
    (tmp_path / "competitions").mkdir()
    assert plugin_folder() == tmp_path / "competitions"
    monkeypatch.chdir(Path(ray_session.comp.__file__).parents[1])
    assert plugin_folder() is None  # those of comp are installed on the nodes
