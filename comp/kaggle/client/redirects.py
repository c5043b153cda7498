"""Answers of Kaggle that send to another address."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from comp.errors import AnswerError
from comp.kaggle.client.session import Kaggle

if TYPE_CHECKING:
    import requests


def redirect_target(kaggle: Kaggle, action: str, method: Callable[[Any], Any], request: Any) -> str:
    """The address that a method of the SDK sends to. It is not followed. It contains a signature
    and must not appear in messages or files.

    Raises:
        RefusedError, NetworkError: see `Kaggle.call`.
        AnswerError: the answer is not a redirect.
    """
    session = kaggle.sdk.http_client()._session
    session.max_redirects = 0

    def send() -> requests.Response:
        import requests

        try:
            with method(request) as answer:
                return answer  # type: ignore[no-any-return]
        except requests.TooManyRedirects as redirect:
            return redirect.response  # type: ignore[return-value]

    answer = kaggle.with_retries(action, send)
    target = session.get_redirect_target(answer)
    if not target:
        kind = answer.headers.get("Content-Type", "no type").partition(";")[0]
        raise AnswerError(
            f"{action}: Kaggle answered with {kind} instead of a redirect to its storage: try "
            "again later"
        )
    return str(urljoin(answer.url, target))
