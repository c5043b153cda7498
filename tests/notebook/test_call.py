"""`comp.submit(..., code=True)`."""

from __future__ import annotations

import pytest
from notebook_desk import RUN, NotebookDesk

import comp
from comp.errors import ConfigError


def test_a_notebook_is_submitted_by_a_call(desk: NotebookDesk) -> None:
    found = comp.submit(RUN, code=True, gpu="none", runs=desk.place, timeout_s=300)
    assert (found.state, found.kind, found.kernel_version) == ("scored", "notebook", 1)
    assert desk.made() == (1, 1, 1)


def test_what_is_of_a_notebook_alone_needs_code(desk: NotebookDesk) -> None:
    with pytest.raises(ConfigError, match="code=True"):
        comp.submit(RUN, gpu="none", runs=desk.place)
    assert not desk.server.requests
