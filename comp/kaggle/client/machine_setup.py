"""Failures of a connection that come from the settings of this machine: proxies and certificates.

Another attempt fails in the same way.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from comp.errors import NetworkError

T = TypeVar("T")

_PROXIES = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def telling_setup(action: str, work: Callable[[], T]) -> T:
    """Do `work`, which sends a request.

    Raises:
        NetworkError: a lasting one, if the settings of this machine are wrong; nothing is sent.
    """
    try:
        return work()
    except (OSError, ValueError) as error:
        if problem := setup_problem(error):
            lasting = NetworkError(f"{action}: no connection to Kaggle: {problem}")
            lasting.lasting = True
            raise lasting from None
        raise


def setup_problem(error: BaseException) -> str:
    """What is wrong with the settings of this machine, and what to do; "" if it is not that."""
    text = _text(error)
    if "SOCKS support" in text:
        return f'{_proxy("socks")} is a SOCKS proxy, which needs: pip install "requests[socks]"'
    if "SOCKS version" in text:
        return f"{_proxy('socks')} is not known: write socks5h://HOST:PORT"
    if "proxy URL" in text or "InvalidProxyURL" in text:
        return f"{_proxy()} is not an address: write http://HOST:PORT"
    if re.search(r"\b407\b", text) and ("Tunnel connection failed" in text or "Proxy" in text):
        return f"{_proxy()} asks for a password: write http://USER:PASSWORD@HOST:PORT"
    if "WRONG_VERSION_NUMBER" in text and "roxy" in text:
        return f"{_proxy('https')} does not speak https: write http://HOST:PORT"
    return _certificate_problem(text)


def _certificate_problem(text: str) -> str:
    bundle = next((name for name in _BUNDLES if os.environ.get(name)), "")
    if "TLS CA certificate bundle" in text or "NO_CERTIFICATE_OR_CRL_FOUND" in text:
        where = f"{bundle} = {os.environ[bundle]}" if bundle else "the file of certificates"
        return f"{where} cannot be used: it must be a file of certificates in PEM format"
    if "CERTIFICATE_VERIFY_FAILED" not in text:
        return ""
    found = re.search(r"certificate verify failed: ([^(]*[^( ])", text)
    reason = f" ({found[1]})" if found else ""
    if "expired" in reason or "not yet valid" in reason:
        return f"the certificate of the server is not valid now{reason}: check this machine's clock"
    advice = (
        f"{bundle} = {os.environ[bundle]} does not contain it: add it to this file"
        if bundle
        else "if a company checks the connection, set REQUESTS_CA_BUNDLE to the file with its "
        "certificate"
    )
    return f"the certificate of the server is not trusted{reason}: {advice}"


def _proxy(scheme: str = "") -> str:
    """The variable that sets the proxy, with its value but without its password."""
    for name in _PROXIES:
        value = os.environ.get(name, "")
        if value and value.lower().startswith(scheme):
            return f"the proxy {name} = {_without_password(value)}"
    return "the proxy"


def _without_password(address: str) -> str:
    return address if "@" not in address else f"{_scheme(address)}...@{address.rpartition('@')[2]}"


def _scheme(address: str) -> str:
    scheme = urlsplit(address).scheme
    return f"{scheme}://" if scheme else ""


def _text(error: BaseException | None, depth: int = 5) -> str:
    """The name and the message of an error and of its causes."""
    if error is None or depth == 0:
        return ""
    cause = error.__cause__ or error.__context__
    return f"{type(error).__name__}: {error}\n{_text(cause, depth - 1)}"
