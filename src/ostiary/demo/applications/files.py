"""A shared folder by WebDAV (WsgiDAV). Who may do what is the gateway's business; the name of who did it comes from it."""

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp


def _dav() -> Any:
    folder = os.environ["OSTIARY_DEMO_DATA"]
    return WsgiDAVApp(
        {
            "provider_mapping": {"/": FilesystemProvider(folder, fs_opts={"follow_symlinks": False})},
            "simple_dc": {"user_mapping": {"*": {"nobody": {"password": secrets.token_hex(16)}}}},
            "http_authenticator": {"trusted_auth_header": "HTTP_X_REMOTE_USER"},
            "verbose": 1,
            "logging": {"enable": False},
            "property_manager": True,
            "lock_storage": True,
            "dir_browser": {"enable": True, "response_trailer": "Lindenhof Instruments", "davmount": False},
        }
    )


_DAV = _dav()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request. WsgiDAV names its status with the first piece of its answer, and Granian asks before."""
    answer: Iterable[bytes] = _DAV(environ, start_response)
    pieces: Iterator[bytes] = iter(answer)
    first = list(islice(pieces, 1))
    return chain(first, pieces)
