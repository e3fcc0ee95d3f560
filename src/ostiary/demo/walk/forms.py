"""Reads the forms of a page, as a browser would before it sends one."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(slots=True)
class Form:
    """One form: where it goes, how, and what is in it already.

    Args:
        values: every field's present value.
        visible: fields a person sees.
        passkey: `get` or `create` when the page's script asks for a passkey and sends the form; else empty.
        options: where that script fetches its challenge.
    """

    action: str
    method: str
    values: dict[str, str] = field(default_factory=dict)
    visible: list[str] = field(default_factory=list)
    passkey: str = ""
    options: str = ""


class FormReader(HTMLParser):
    """Collects the forms of one page; hidden ones only where a script shows them."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._open: Form | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note forms and what can be filled in."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(given.get("action", ""), given.get("method", "get").lower())
            self._open.passkey, self._open.options = given.get("data-passkey", ""), given.get("data-options", "")
            if "hidden" not in given or self._open.passkey:
                self.forms.append(self._open)
        elif tag in ("input", "textarea", "button") and self._open is not None and given.get("name"):
            if given.get("type") == "submit" or tag == "button":
                return
            self._open.values[given["name"]] = given.get("value", "")
            self._text = given["name"] if tag == "textarea" else ""
            if given.get("type") not in ("hidden", "checkbox"):
                self._open.visible.append(given["name"])

    def handle_data(self, data: str) -> None:
        """Note what stands in a text area; the line break that begins it belongs to the markup (HTML, 13.2.6.4.7)."""
        if self._open is not None and self._text:
            values = self._open.values
            values[self._text] = values[self._text] + data if values[self._text] else data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        """Close a form, or a text area."""
        if tag == "form":
            self._open = None
        if tag == "textarea":
            self._text = ""


def read_forms(html: str) -> list[Form]:
    """Return the forms of a page that somebody with scripts sees."""
    reader = FormReader()
    reader.feed(html)
    return reader.forms
