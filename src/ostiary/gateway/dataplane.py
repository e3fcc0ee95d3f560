"""Puts a plan into force: tried first, written whole, refused when a newer one is there already.

A configuration that Envoy rejects changes nothing: it is tried in a folder of its own before a single watched file
is touched, and Envoy itself keeps what it has when a file it watches does not parse.
"""

import difflib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ostiary.config.places import Instance
from ostiary.errors import OstiaryError
from ostiary.gateway.certificates import inline_certificate
from ostiary.gateway.device_authorities import inline_validation
from ostiary.gateway.envoy import validate
from ostiary.gateway.plan import GRANTS_FILE, WRITE_ORDER, GatewayPlan, render_standalone
from ostiary.gateway.replaced_file import replace_file

GENERATION_FILE = "generation"


class StalePlan(OstiaryError):
    """The plan was made from older facts than the one in force."""


@dataclass(frozen=True, slots=True)
class FileDifference:
    """How one file of a plan differs from the file in force.

    Args:
        name: below the instance's `envoy` folder.
        text: a unified difference; empty when nothing differs.
    """

    name: str
    text: str


def apply_plan(plan: GatewayPlan, instance: Instance, *, tried: bool = False) -> tuple[str, ...]:
    """Make the data plane follow `plan` and return the names of the files that changed. Repeating it changes nothing.

    The caller holds the publication lock, so that no other process writes between the check and the rename.

    Args:
        plan: what is to be in force.
        instance: whose data plane.
        tried: whether the caller has let Envoy check it already; otherwise that is done here.

    Raises:
        StalePlan: when a plan from newer facts is in force.
        RejectedConfiguration: when Envoy does not accept it; the one in force is untouched.
        OSError: when a file cannot be written.
    """
    present = applied_generation(instance)
    if plan.generation < present:
        raise StalePlan(
            f"The plan is of generation {plan.generation}; {present} is in force.",
            hint="Make a new plan and try again.",
        )
    changed = [name for name in WRITE_ORDER if _content(instance.envoy / name) != plan.files[name]]
    if not tried and set(changed) - {GRANTS_FILE}:
        try_plan(plan, instance)
    for name in changed:
        replace_file(instance.envoy / name, plan.files[name], mode=0o600)
    if plan.generation != present:
        replace_file(instance.envoy / GENERATION_FILE, f"{plan.generation}\n".encode(), durable=False)
    return tuple(changed)


def try_plan(plan: GatewayPlan, instance: Instance) -> None:
    """Let Envoy check the whole plan, in a folder that is gone afterwards.

    Raises:
        RejectedConfiguration: with Envoy's own words.
        UnusableCertificate: when no certificate was installed before.
    """
    content = render_standalone(plan, certificate=inline_certificate(instance), devices=inline_validation(instance))
    scratch = Path(tempfile.mkdtemp(prefix="ostiary-plan-"))
    try:
        configuration = scratch / "envoy.json"
        replace_file(configuration, content, mode=0o600, durable=False)
        validate(configuration)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def diff_plan(plan: GatewayPlan, instance: Instance) -> tuple[FileDifference, ...]:
    """Return what `plan` would change, file by file, in the order in which it would be written."""
    return tuple(
        FileDifference(name, text)
        for name in WRITE_ORDER
        if (text := _difference(name, _content(instance.envoy / name), plan.files[name]))
    )


def applied_generation(instance: Instance) -> int:
    """Return the generation of the plan in force; 0 when there is none."""
    try:
        return int((instance.envoy / GENERATION_FILE).read_text())
    except (OSError, ValueError):
        return 0


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _difference(name: str, before: bytes, after: bytes) -> str:
    if before == after:
        return ""
    return "".join(
        difflib.unified_diff(
            before.decode(errors="replace").splitlines(keepends=True),
            after.decode(errors="replace").splitlines(keepends=True),
            fromfile=f"in force/{name}",
            tofile=f"planned/{name}",
            n=2,
        )
    )
