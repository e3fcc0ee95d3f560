"""The tokens keep their promises: contrast in light and dark, and nothing styled outside them."""

import re
from pathlib import Path

import pytest

import ostiary.web

STATIC = Path(ostiary.web.__file__).parent / "static" / "ostiary"
TEMPLATES = Path(ostiary.web.__file__).parent / "templates"
TEXT = 4.5
SHAPE = 3.0
ON_SURFACES = ("ink", "ink-soft", "ink-faint", "accent", "allowed", "held", "refused")
PAIRS = [
    *((text, surface, TEXT) for text in ON_SURFACES for surface in ("paper", "surface", "surface-hover")),
    *((text, "surface-sunken", TEXT) for text in ("ink", "ink-soft", "ink-faint")),
    *((meaning, f"{meaning}-soft", TEXT) for meaning in ("accent", "allowed", "held", "refused")),
    *(("ink", f"{meaning}-soft", TEXT) for meaning in ("accent", "allowed", "held", "refused")),
    ("accent-fill-ink", "accent-fill", TEXT),
    ("accent-fill-ink", "accent-fill-hover", TEXT),
    ("refused-fill-ink", "refused-fill", TEXT),
    ("refused-fill-ink", "refused-fill-hover", TEXT),
    ("line-control", "surface", SHAPE),
    ("chart-refused", "surface", SHAPE),
]


def tokens(mode: str) -> dict[str, str]:
    """Return the colours of a mode; what dark does not change is as in light."""
    light, _, dark = (STATIC / "tokens.css").read_text().partition("@media (prefers-color-scheme: dark)")
    pattern = re.compile(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6});")
    found = dict(pattern.findall(light))
    return found | dict(pattern.findall(dark)) if mode == "dark" else found


def luminance(colour: str) -> float:
    """Return the relative luminance. Source: WCAG 2.2."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio. Source: WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure_itself_is_right() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("front", "back", "least"), PAIRS)
def test_contrast_suffices(mode: str, front: str, back: str, least: float) -> None:
    colours = tokens(mode)
    assert contrast(colours[front], colours[back]) >= least


@pytest.mark.parametrize("name", ["components.css", "layouts.css", "console.css"])
def test_colours_stand_only_among_the_tokens(name: str) -> None:
    text = (STATIC / name).read_text()
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", text)
    used = set(re.findall(r"var\(--([a-z0-9-]+)\)", text))
    assert used <= set(re.findall(r"--([a-z0-9-]+):", (STATIC / "tokens.css").read_text()))


@pytest.mark.parametrize("path", sorted(STATIC.glob("*.css")), ids=lambda path: path.name)
def test_styles_load_nothing(path: Path) -> None:
    text = path.read_text()
    assert "@import" not in text
    assert "url(" not in text
    assert text.count("{") == text.count("}")


def test_templates_hold_no_inline_style_or_script() -> None:
    found = sorted(TEMPLATES.rglob("*.html"))
    assert len(found) > 30
    for path in found:
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text), path
        assert all("src=" in part.split(">")[0] for part in text.split("<script")[1:]), path
