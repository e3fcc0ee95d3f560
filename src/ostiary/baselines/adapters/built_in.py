"""The baselines that come with the product, as files beside this code."""

from functools import cache
from importlib.resources import files

from ostiary.baselines.domain.document import BUILT_IN, Baseline, UnknownBaseline
from ostiary.baselines.domain.reader import read_baseline


@cache
def built_in_text(name: str) -> str:
    """Return the document of a built-in baseline.

    Raises:
        UnknownBaseline: when none is called so.
    """
    if name not in BUILT_IN:
        raise UnknownBaseline(f"No built-in baseline is called {name[:40]!r}.", hint="See: ostiary baseline list")
    return files("ostiary.baselines").joinpath("builtin", f"{name}.yaml").read_text(encoding="utf-8")


@cache
def built_in(name: str) -> Baseline:
    """Return a built-in baseline; arguments and errors as for its text."""
    return read_baseline(built_in_text(name), built_in)
