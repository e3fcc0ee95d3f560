"""The notice board: everybody's short messages, signed by the gateway's word for who wrote them."""

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from ostiary.demo.applications.page import render_page

MAX_BODY_BYTES = 16 * 1024
MAX_NOTICE_CHARACTERS = 500
FIRST_NOTICES = (
    ("Ilse Brandt", "The coffee machine on the second floor is back. It now asks how strong."),
    ("Mateo Rossi", "Open day on the 14th: who can show visitors the calibration bench?"),
    ("Nadia Haddad", "New starters: the handbook has a page on setting up your sign-in."),
)
StartResponse = Callable[[str, list[tuple[str, str]]], object]


def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
    """Answer one request."""
    author = _text(environ, "HTTP_X_USER_NAME")
    if environ["REQUEST_METHOD"] == "POST":
        length = int(environ.get("CONTENT_LENGTH") or 0)
        form = parse_qs(environ["wsgi.input"].read(min(length, MAX_BODY_BYTES)).decode("utf-8", "replace"))
        notice = form.get("notice", [""])[0].strip()[:MAX_NOTICE_CHARACTERS]
        if notice and author:
            _add(author, notice)
        start_response("303 See Other", [("Location", "/"), ("Content-Length", "0")])
        return []
    html = _page(author).encode()
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(html)))])
    return [html]


def _text(environ: dict[str, Any], name: str) -> str:
    return str(environ.get(name, "")).encode("latin-1", "replace").decode("utf-8", "replace")


def _connect() -> sqlite3.Connection:
    path = Path(os.environ["OSTIARY_DEMO_DATA"]) / "board.sqlite3"
    connection = sqlite3.connect(path, timeout=10)
    connection.execute("CREATE TABLE IF NOT EXISTS notice (at TEXT, author TEXT, words TEXT)")
    if not connection.execute("SELECT 1 FROM notice").fetchone():
        at = datetime.now(UTC).isoformat(timespec="minutes")
        connection.executemany("INSERT INTO notice VALUES (?, ?, ?)", [(at, *first) for first in FIRST_NOTICES])
        connection.commit()
    return connection


def _add(author: str, notice: str) -> None:
    with closing(_connect()) as connection, connection:
        connection.execute(
            "INSERT INTO notice VALUES (?, ?, ?)", (datetime.now(UTC).isoformat(timespec="minutes"), author, notice)
        )


def _page(author: str) -> str:
    with closing(_connect()) as connection:
        rows = connection.execute("SELECT at, author, words FROM notice ORDER BY rowid DESC LIMIT 50").fetchall()
    notices = "".join(
        f"<section><p>{escape(words)}</p><small>{escape(who)}, {escape(at[:16].replace('T', ' '))}</small></section>"
        for at, who, words in rows
    )
    form = (
        '<section><form method="post"><label for="notice">A notice for everybody</label>'
        f'<textarea id="notice" name="notice" rows="2" maxlength="{MAX_NOTICE_CHARACTERS}"></textarea>'
        "<button>Put it up</button></form></section>"
    )
    return render_page("Notice board", f"Lindenhof Instruments, {author or 'nobody'}", form + notices)
