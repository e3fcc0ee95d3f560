"""The icon set and the mark, drawn for this product on a grid of 16 (the mark: 32). No other pictures live in pages."""

from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

PATHS: Final = {
    "overview": '<path d="M2 8.5h3l2-5 3 9 2-4h2"/>',
    "apps": '<rect x="2.5" y="2.5" width="4.5" height="4.5" rx="1"/><rect x="9" y="2.5" width="4.5" height="4.5" rx="1"/>'
    '<rect x="2.5" y="9" width="4.5" height="4.5" rx="1"/><rect x="9" y="9" width="4.5" height="4.5" rx="1"/>',
    "people": '<circle cx="8" cy="5" r="2.5"/><path d="M3 13.5c.5-3 2.5-4.5 5-4.5s4.5 1.5 5 4.5"/>',
    "groups": '<circle cx="5.5" cy="5.5" r="2"/><path d="M1.5 12.5c.4-2.4 1.9-3.7 4-3.7s3.6 1.3 4 3.7"/>'
    '<path d="M10.5 3.7a2 2 0 0 1 0 3.6M12 9.2c1.5.5 2.3 1.7 2.5 3.3"/>',
    "roles": '<rect x="2" y="5" width="12" height="8.5" rx="1.5"/><path d="M5.8 5V3.8a1.3 1.3 0 0 1 1.3-1.3h1.8a1.3 1.3 0 0 1 1.3 1.3V5M2 8.8h12M8 8v1.6"/>',
    "services": '<rect x="3" y="5" width="10" height="8" rx="1.5"/><path d="M8 2.5V5M6 8.3v1.4M10 8.3v1.4M1.5 8.5V10M14.5 8.5V10"/>',
    "devices": '<rect x="3" y="3" width="10" height="7" rx="1.2"/><path d="M1.5 13h13M6.5 6.7l1.1 1.1 2-2.2"/>',
    "software": '<path d="M8 2 2.5 5v6L8 14l5.5-3V5z"/><path d="M2.5 5 8 8l5.5-3M8 8v6"/>',
    "sessions": '<rect x="2" y="3" width="12" height="8" rx="1.5"/><path d="M5.5 13.5h5"/>',
    "signals": '<circle cx="8" cy="8" r="1.2"/><path d="M5 5a4.2 4.2 0 0 0 0 6M11 5a4.2 4.2 0 0 1 0 6M2.9 2.9a7.2 7.2 0 0 0 0 10.2M13.1 2.9a7.2 7.2 0 0 1 0 10.2"/>',
    "rules": '<path d="M3 4h10M3 8h6.5M3 12h8"/>',
    "decisions": '<path d="M8 14V6.5M8 6.5 4 3M8 6.5 12 3M4 5.7V3h2.7M12 5.7V3H9.3"/>',
    "audit": '<path d="M4 2.5h6l2.5 2.5v8.5H4z"/><path d="M6.5 8h3.5M6.5 10.5h3.5"/>',
    "explain": '<path d="M5.4 6a2.6 2.6 0 1 1 3.7 2.4C8.3 8.8 8 9.3 8 10M8 12.4v.1"/>',
    "reviews": '<path d="M5.5 3.5H4v10h8v-10h-1.5"/><rect x="5.5" y="2.2" width="5" height="2.6" rx=".8"/><path d="m5.8 9.3 1.6 1.6 2.9-3.2"/>',
    "search": '<circle cx="7" cy="7" r="4"/><path d="m10 10 3.5 3.5"/>',
    "allowed": '<circle cx="8" cy="8" r="5.5"/><path d="m5.6 8.2 1.7 1.7 3.2-3.6"/>',
    "held": '<path d="M8 2.2 13.8 8 8 13.8 2.2 8z"/><path d="M8 5.6v2.9M8 10.3v.1"/>',
    "refused": '<path d="M5.6 2.5h4.8l3.1 3.1v4.8l-3.1 3.1H5.6l-3.1-3.1V5.6z"/><path d="m6.2 6.2 3.6 3.6M9.8 6.2 6.2 9.8"/>',
    "info": '<circle cx="8" cy="8" r="5.5"/><path d="M8 7.5v3M8 5.2v.1"/>',
    "warn": '<path d="M8 2.5 14 13H2z"/><path d="M8 6.5v3M8 11.2v.1"/>',
    "plus": '<path d="M8 3.5v9M3.5 8h9"/>',
    "minus": '<path d="M3.5 8h9"/>',
    "cross": '<path d="m4 4 8 8M12 4l-8 8"/>',
    "arrow": '<path d="M3 8h10M9 4l4 4-4 4"/>',
    "back": '<path d="M13 8H3M7 4 3 8l4 4"/>',
    "open": '<path d="M6 3.5H3.5v9h9V10M9 3h4v4M13 3 7.5 8.5"/>',
    "download": '<path d="M8 2.5v7M4.8 6.7 8 9.9l3.2-3.2M3 13h10"/>',
    "key": '<circle cx="5.5" cy="10.5" r="3"/><path d="m7.7 8.3 5.3-5.3M10.5 5.5l2 2"/>',
    "lock": '<rect x="3.5" y="7" width="9" height="6.5" rx="1.5"/><path d="M5.5 7V5a2.5 2.5 0 0 1 5 0v2"/>',
    "clock": '<circle cx="8" cy="8" r="5.5"/><path d="M8 5v3.2l2 1.3"/>',
    "mail": '<rect x="2" y="3.5" width="12" height="9" rx="1.5"/><path d="m2.5 5 5.5 4 5.5-4"/>',
    "phone": '<rect x="4.5" y="1.5" width="7" height="13" rx="1.5"/><path d="M7.3 12.3h1.4"/>',
    "leave": '<path d="M6.5 2.5h-3v11h3M7 8h6.5M10.7 5.2 13.5 8l-2.8 2.8"/>',
    "copy": '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/>'
    '<path d="M10.5 5.5v-1a2 2 0 0 0-2-2h-4a2 2 0 0 0-2 2v4a2 2 0 0 0 2 2h1"/>',
    "refresh": '<path d="M13 8a5 5 0 1 1-1.5-3.6M13 2.5v3h-3"/>',
}
_MARK: Final = '<path class="arch" d="M5 30V14a11 11 0 0 1 22 0v16h-6.5l-2.2-13.17a3.8 3.8 0 1 0-4.6 0L11.5 30z"/>'


def draw_icon(name: str, title: str = "") -> SafeString:
    """Return an icon as inline SVG.

    Args:
        name: one of `PATHS`.
        title: what a screen reader says; without it the icon is decoration and stays silent.

    Raises:
        KeyError: when there is no such icon; a page with a wrong name fails its test.
    """
    path = mark_safe(PATHS[name])  # noqa: S308 - drawn above, no input
    if title:
        return format_html('<svg class="icon" viewBox="0 0 16 16" role="img" aria-label="{}">{}</svg>', title, path)
    return format_html('<svg class="icon" viewBox="0 0 16 16" aria-hidden="true">{}</svg>', path)


def draw_mark() -> SafeString:
    """Return the product's mark: a keeper, who is also the keyhole, in an archway."""
    return format_html(
        '<svg class="mark" viewBox="0 0 32 32" aria-hidden="true">{}</svg>',
        mark_safe(_MARK),  # noqa: S308 - drawn above, no input
    )
