"""The files that our pages on an app's host need, and no others. They come from the package, read once at start."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from ostiary.gateway.decider.answers import Answer, plain

PREFIX: Final = "/.ostiary/static/"
_TYPES: Final[Mapping[str, str]] = {
    "tokens.css": "text/css; charset=utf-8",
    "components.css": "text/css; charset=utf-8",
    "layouts.css": "text/css; charset=utf-8",
    "mark.svg": "image/svg+xml",
}
_FOLDER: Final = files("ostiary") / "web" / "static" / "ostiary"
_FILES: Final = {name: (_FOLDER / name).read_bytes() for name in _TYPES}
VERSION_QUERY: Final = "?v=" + hashlib.sha256(b"".join(_FILES[name] for name in sorted(_FILES))).hexdigest()[:12]


def serve(method: str, path: str) -> Answer:
    """Answer a request for one of the files; anything else does not exist."""
    name = path.removeprefix(PREFIX)
    content = _FILES.get(name)
    if content is None or method not in {"GET", "HEAD"}:
        return plain(404, "There is nothing at this address.")
    headers = [
        ("content-type", _TYPES[name]),
        ("cache-control", "public, max-age=86400"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "same-origin"),
    ]
    return Answer(200, headers, b"" if method == "HEAD" else content)
