"""`ostiary status`: how the instance stands, on one screen."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from ostiary.cli.django import setup
from ostiary.cli.output import ExitCode, JsonOption, examples, print_json, print_note, print_table, print_text

if TYPE_CHECKING:
    from ostiary.supervisor.rules_standing import RulesStanding
    from ostiary.supervisor.standing import Standing

app = typer.Typer()


@app.command(epilog=examples("ostiary status", "ostiary status --json | jq .problems"))
def status(
    as_json: JsonOption = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show it again every two seconds until Ctrl-C.")] = False,
) -> None:
    """Show how the instance stands: processes, facts, certificate, record, apps.

    Exits with 5 when something needs somebody.
    """
    instance = setup()
    from ostiary.supervisor.standing import get_standing

    while True:
        standing = get_standing(instance, time.time())
        if watch:
            print_text("\x1b[2J\x1b[H")
        if as_json:
            print_json(standing)
        else:
            _show(standing)
        if not watch:
            raise typer.Exit(ExitCode.FINDINGS if standing.problems else ExitCode.OK)
        time.sleep(2)


def _show(standing: "Standing") -> None:
    for problem in standing.problems:
        print_note(f"✗ {problem}")
    if not standing.problems:
        print_note("✓ nothing needs anybody")
    print_table(
        ["process", "state", "pid", "up", "restarts", "MiB", "purpose"],
        [
            (p.name, p.state.value, p.pid, _span(p.uptime_seconds), p.restarts, p.resident_mib, p.purpose)
            for p in standing.processes
        ],
        empty="No process runs.",
        right=["pid", "up", "restarts", "MiB"],
    )
    print_text("")
    facts, certificate = standing.facts, standing.certificate
    rows = [
        ("domain", standing.domain),
        ("memory", f"{standing.resident_mib:.0f} MiB"),
        ("facts", f"generation {facts.generation}, published {_span(facts.age_seconds)} ago"),
        ("confirmed", f"{_span(facts.confirmed_seconds_ago)} ago"),
        ("sessions", facts.sessions),
        ("certificate", f"{certificate.days_left:.0f} days left" if certificate.days_left is not None else None),
        (
            "SAML",
            f"certificate, {standing.saml_days_left:.0f} days left" if standing.saml_days_left is not None else None,
        ),
        ("rules", _rules(standing.rules)),
        ("disk", f"{standing.disk_free_mib:,} MiB free"),
        ("record", standing.record_problem or "written"),
        ("devices", _devices(standing)),
        ("open streams", _streams(standing)),
        ("second factor", "required" if standing.second_factor_required else "NOT required of everybody"),
    ]
    print_table(["", ""], rows, empty="")
    if standing.apps:
        print_text("")
        print_table(["app", "health", "detail"], [(a.app, a.health, a.detail) for a in standing.apps], empty="")


def _rules(rules: "RulesStanding") -> str | None:
    if not rules.number:
        return None
    if not rules.follows:
        return f"number {rules.number}"
    seen = f"newest commit {rules.commit[:12]}" if rules.commit else "no commit seen yet"
    return f"number {rules.number}; follows {rules.follows}, {rules.unreadable or seen}"


def _streams(standing: "Standing") -> str | None:
    if standing.streams_cut is None:
        return None
    if standing.streams_cut:
        return f"{standing.streams}; each ends at once when it would be refused"
    return "end after gateway.stream_seconds at the latest: run with CAP_NET_ADMIN, and not behind a proxy, to end them at once"


def _devices(standing: "Standing") -> str | None:
    if standing.devices_proven is None:
        return None
    if standing.devices_proven:
        return f"{standing.facts.devices or 0} enrolled"
    return f"{standing.facts.devices or 0} enrolled, none can prove itself: a proxy in front ends TLS (gateway.trusted_proxies)"


def _span(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
