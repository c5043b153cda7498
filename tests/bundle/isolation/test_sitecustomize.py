import importlib.util
import json
import socket
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from comp.bundle.isolation import sitecustomize
from comp.bundle.isolation.sitecustomize import Without, block_sockets, isolate


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sockets and finders of this process are restored after the test."""
    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, getattr(socket, name))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))


@pytest.fixture
def listener() -> int:
    """The port of a server on this machine."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    yield server.getsockname()[1]
    server.close()


@pytest.mark.usefixtures("sockets")
def test_blocked_sockets_reach_nobody(listener: int) -> None:
    with socket.create_connection(("127.0.0.1", listener)):
        pass
    block_sockets()
    with pytest.raises(OSError, match="no network"):
        socket.create_connection(("127.0.0.1", listener))
    with pytest.raises(OSError, match="no network"):
        socket.getaddrinfo("kaggle.com", 443)
    with socket.socket() as one:
        with pytest.raises(OSError, match="no network"):
            one.connect(("127.0.0.1", listener))
        with pytest.raises(OSError, match="no network"):
            one.connect_ex(("127.0.0.1", listener))
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        pytest.raises(OSError, match="no network"),
    ):
        one.sendto(b"x", ("127.0.0.1", listener))


@pytest.mark.usefixtures("sockets")
@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no sockets of files")
def test_blocked_sockets_still_join_processes(tmp_path: Path) -> None:
    block_sockets()
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
    one, other = socket.socketpair()
    one.close()
    other.close()


@pytest.mark.usefixtures("sockets")
def test_without_namespaces_the_sockets_are_blocked_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitecustomize, "leave_network", lambda: "Operation not permitted")
    status = tmp_path / "status.json"
    isolate({"status": str(status), "places": [str(tmp_path)], "inside": [], "blocked": []})
    assert json.loads(status.read_text()) == ["sockets", "Operation not permitted"]
    assert socket.socket.__name__ == "Blocked"


@pytest.mark.usefixtures("sockets")
def test_a_process_of_the_program_is_as_isolated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sitecustomize, "leave_network", lambda: pytest.fail("once is enough"))
    status = tmp_path / "status.json"
    status.write_text('["sockets", "why"]')
    isolate({"status": str(status), "places": [str(tmp_path)], "inside": [], "blocked": ["cv2"]})
    assert socket.socket.__name__ == "Blocked"
    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    assert importlib.util.find_spec("cv2") is None


def test_a_namespace_with_a_route_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("no namespaces")
    monkeypatch.setattr(sitecustomize, "_unshare", lambda _: None)
    monkeypatch.setattr(sitecustomize, "_keep_user", lambda *_: None)
    if not Path("/proc/net/route").read_text().splitlines()[1:]:
        pytest.skip("this machine has no network")
    assert "routes" in sitecustomize.leave_network()


def test_a_system_that_refuses_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("no namespaces")

    def refuse(_: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(sitecustomize, "_unshare", refuse)
    assert sitecustomize.leave_network() == "Operation not permitted"


def test_modules_that_are_only_in_the_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "code" / "comp").mkdir(parents=True)
    (tmp_path / "code" / "comp" / "__init__.py").write_text("")
    finder = Without(PathFinder, [str(tmp_path)], ["comp"], ["cv2"])
    assert finder.find_spec("comp") is None
    assert finder.find_spec("cv2") is None
    assert finder.find_spec("json") is not None
    assert finder.find_spec("cv2", ["/a/package"]) is None  # a module cv2 in another package
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    spec = finder.find_spec("comp")
    assert spec
    assert spec.origin == str(tmp_path / "code" / "comp" / "__init__.py")
    assert finder.invalidate_caches == PathFinder.invalidate_caches  # other attributes are its own
