"""House rules that no linter knows: module size, room names, links in the documentation, things that must not be in the tree.

Run as `python -m tools.house_rules`; prints every breach and exits 1 if there is one.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_MODULE_LINES = 500
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "managers"}
GENERATED = ("/migrations/",)
UNFINISHED = re.compile(r"NotImplementedError|\b(TODO|FIXME|XXX)\b|coming soon", re.IGNORECASE)
PRIVATE_KEY = re.compile(r"-----BEGIN (?:EC |RSA |OPENSSH )?PRIVATE KEY-----\s*\n[A-Za-z0-9+/=]{20}")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6}\s+(.*)$", re.MULTILINE)


def tracked_files() -> list[Path]:
    """Return every file git tracks or would track, that exists."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return [path for name in sorted(set(listed.splitlines())) if (path := ROOT / name).is_file()]


def breaches_in_source(path: Path, text: str) -> Iterator[str]:
    """Yield what one Python module breaks: size, name, unfinished work, a missing first line."""
    name = path.relative_to(ROOT)
    if any(part in f"/{name}" for part in GENERATED):
        return
    lines = text.count("\n")
    if lines > MAX_MODULE_LINES:
        yield f"{name}: {lines} lines; the limit is {MAX_MODULE_LINES}. What second idea lives in it?"
    if path.stem in FORBIDDEN_NAMES or path.parent.name in FORBIDDEN_NAMES:
        yield f"{name}: name the concept, not the drawer."
    if text.strip() and not text.lstrip().startswith(('"""', 'r"""', "#!")):
        yield f"{name}: the first line says what lives here."
    if str(name).startswith("src/"):
        for number, line in enumerate(text.splitlines(), start=1):
            if UNFINISHED.search(line):
                yield f"{name}:{number}: unfinished: {line.strip()}"


def anchors_of(text: str) -> set[str]:
    """Return the anchors a Markdown page offers, as code hosts derive them from headings."""
    titles = (re.sub(r"[^\w\- ]", "", heading.strip().lower()) for heading in HEADING.findall(text))
    return {title.replace(" ", "-") for title in titles}


def breaches_in_page(path: Path, text: str) -> Iterator[str]:
    """Yield links of one Markdown page that lead nowhere inside the tree."""
    for match in LINK.finditer(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        target = match.group(1) or match.group(2)
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        goal = (path.parent / file) if file else path
        if not goal.exists():
            yield f"{path.relative_to(ROOT)}: link to {target}, which does not exist."
        elif anchor and goal.suffix == ".md" and anchor not in anchors_of(goal.read_text(encoding="utf-8")):
            yield f"{path.relative_to(ROOT)}: {file or 'this page'} has no heading for #{anchor}."


def breaches(files: list[Path]) -> Iterator[str]:
    """Yield every breach in `files`."""
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if PRIVATE_KEY.search(text):
            yield f"{path.relative_to(ROOT)}: holds a private key. Generate it where it is needed."
        if str(ROOT.parent) + "/" in text and str(ROOT.parent) != "/":
            yield f"{path.relative_to(ROOT)}: holds a path of this machine."
        if path.suffix == ".py":
            yield from breaches_in_source(path, text)
        elif path.suffix == ".md":
            yield from breaches_in_page(path, text)


def main() -> int:
    """Print every breach; return the exit status."""
    found = list(breaches(tracked_files()))
    for breach in found:
        print(breach, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
