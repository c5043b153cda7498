"""Whom credentials belong to; `comp login` shows the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest
from kaggle_server import TOKEN, USER, KaggleServer

from comp.errors import RefusedError
from comp.kaggle.client.deadline import Deadline
from comp.kaggle.client.identity import user_name
from comp.kaggle.client.session import Kaggle, connect


@pytest.mark.parametrize("kind", ["token", "key"])
def test_the_user_of_credentials_is_known(
    server: KaggleServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: Literal["token", "key"],
) -> None:
    variables = server.environment(tmp_path / kind, kind)
    for name in set(os.environ) - set(variables):
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with connect(Deadline(300)) as kaggle:
        assert user_name(kaggle) == USER
    assert server.count("IntrospectToken") == (kind == "token")


def test_a_revoked_token_belongs_to_nobody(server: KaggleServer, kaggle: Kaggle) -> None:
    server.fail("IntrospectToken", "status", status=200, body={"active": False})
    with pytest.raises(RefusedError, match="token from KAGGLE_API_TOKEN has expired") as caught:
        user_name(kaggle)
    assert TOKEN not in str(caught.value)
