"""A shared folder by WebDAV (WsgiDAV). Who may do what is the gateway's business; the name of who did it comes from it."""

import os
from typing import Any

from wsgidav.fs_dav_provider import FilesystemProvider
from wsgidav.wsgidav_app import WsgiDAVApp


def _application() -> Any:
    folder = os.environ["OSTIARY_DEMO_DATA"]
    return WsgiDAVApp(
        {
            "provider_mapping": {"/": FilesystemProvider(folder, fs_opts={"follow_symlinks": False})},
            "simple_dc": {"user_mapping": {"*": True}},
            "http_authenticator": {"trusted_auth_header": "HTTP_X_REMOTE_USER"},
            "verbose": 1,
            "logging": {"enable": False},
            "property_manager": True,
            "lock_storage": True,
            "dir_browser": {"enable": True, "response_trailer": "Lindenhof Instruments", "davmount": False},
        }
    )


application = _application()
