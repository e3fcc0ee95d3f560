"""How long it takes to prove the clauses of a company's rules, to compare two versions of them and to lint them.

Run: python -m bench.proof [--rules N] [--clauses N] [--rounds N] [--many-rules N]
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from ostiary.policy.compiled import compile_rules
from ostiary.policy.identifiers import AppId, Label
from ostiary.policy.proof.facade import ClauseOutcome, ComparisonOutcome, compare, lint, prove
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.statements import Clause
from ostiary.policy.snapshot import AppFact, Catalogue, Rules

Result = TypeVar("Result")
APPS = 40
DEPARTMENTS = ("engineering", "finance", "sales", "support", "people", "legal", "marketing", "operations")
LABELS = ("internal", "restricted", "customer-data", "public")
OFFICES = ("10.1.0.0/16", "10.2.0.0/16", "192.0.2.0/24", "2001:db8:1::/48")
HOURS = (
    "Mon-Fri 07:00-20:00 Europe/Berlin",
    "Mon-Fri 08:00-18:00 America/New_York",
    "Mon-Sat 06:00-22:00 Asia/Kolkata",
)
WHEN = (
    "{mfa: otp, risk: below 60}",
    "{mfa: {method: otp, within: 12h}, hours: %s}",
    "{mfa: phishing-resistant, device: {managed: true, compliant: true}}",
    "{mfa: {method: phishing-resistant, within: 1h}, networks: [%s], risk: below 30}",
    "{device: {managed: true, disk_encrypted: true, os_version: at least 14}, countries: [DE, AT, CH]}",
)
CLAUSES = (
    ("never", "{name: c%d, who: anyone, to: 'label:restricted', unless: {mfa: any}}"),
    ("never", "{name: c%d, who: 'group:contractors', to: 'label:restricted'}"),
    ("never", "{name: c%d, who: anyone, to: 'label:restricted', when: {countries: [RU, KP]}}"),
    ("never", "{name: c%d, who: 'group:guests', to: anything, do: [edit, delete]}"),
    (
        "always",
        "{name: c%d, who: 'group:administrators', to: 'app:console', do: [view, edit], when: {mfa: phishing-resistant}}",
    ),
    ("never", "{name: c%d, who: anyone, to: 'app:console', unless: {mfa: phishing-resistant}}"),
    (
        "never",
        "{name: c%d, who: anyone, to: 'label:customer-data', paths: /admin/*, unless: {device: {managed: true}}}",
    ),
    ("always", "{name: c%d, who: 'group:staff', to: 'label:public', do: view, when: {mfa: any}}"),
    ("never", "{name: c%d, who: 'service:backup', to: 'label:restricted', do: [edit, delete]}"),
    (
        "never",
        "{name: c%d, who: 'group:sales', to: 'label:restricted', when: {hours: 'Sat,Sun 00:00-24:00 Europe/Berlin'}}",
    ),
)


def rule_text(number: int) -> str:
    """One of the company's rules; every tenth denies, the first ones are for everybody."""
    turn = number // APPS
    app, department = number % APPS, DEPARTMENTS[(number + turn) % len(DEPARTMENTS)]
    if number == 0:
        return "{name: administrators, allow: 'group:administrators', to: anything, do: any, when: {mfa: phishing-resistant}}"
    if number == 1:
        return "{name: staff-see-public, allow: 'group:staff', to: 'label:public', do: view, when: {mfa: any}}"
    if number == 2:
        return "{name: contractors-stay-out, deny: 'group:contractors', to: 'label:restricted', unless: {device: {managed: true}}}"
    if number % 10 == 3:
        lifted = f"{{networks: [{OFFICES[number % 4]}]}}" if number % 20 == 3 else "{device: {managed: true}}"
        return f"{{name: r{number}, deny: 'group:contractors', to: 'app:app-{app}', paths: /admin/*, unless: {lifted}}}"
    when = WHEN[(number + turn) % len(WHEN)]
    if "%s" in when:
        when %= HOURS[number % 3] if "hours" in when else ", ".join(OFFICES[: 1 + number % 4])
    who = f"[group:{department}, group:team-{(number + 5 * turn) % 12}]" if number % 3 else f"group:{department}"
    paths = f", paths: /area-{number % 9}/*" if number % 4 == 0 else ""
    return f"{{name: r{number}, allow: {who}, to: 'app:app-{app}', do: [view, edit]{paths}, when: {when}}}"


def document(rules: int, clauses: int) -> str:
    """The company's rules document."""
    sections = {"rules": [rule_text(number) for number in range(rules)], "never": [], "always": []}
    for number in range(clauses):
        kind, text = CLAUSES[number % len(CLAUSES)]
        sections[kind].append(text % number)
    lines = ["version: 1"]
    for name, entries in sections.items():
        lines += [f"{name}:", *(f"  - {entry}" for entry in entries)] if entries else []
    return "\n".join(lines) + "\n"


def catalogue() -> Catalogue:
    """Forty apps and the console, each with a label."""
    apps = [
        AppFact(id=AppId(f"app-{n}"), host=f"app-{n}.example.com", name=f"App {n}", labels=(Label(LABELS[n % 4]),))
        for n in range(APPS)
    ]
    apps.append(AppFact(id=AppId("console"), host="admin.example.com", name="Console", labels=(Label("internal"),)))
    return Catalogue(apps={app.id: app for app in apps})


def measure(rules: int, clauses: int, rounds: int) -> dict[str, float | int]:
    """Return medians in seconds."""
    text, apps = document(rules, clauses), catalogue()
    claims: tuple[Clause, ...] = read_rules(text).clauses
    book, other = Rules(document=text), Rules(document=document(rules - 1, clauses))
    compile_rules(book.document, "")
    compile_rules(other.document, "")
    times: dict[str, list[float]] = {"prove": [], "compare": [], "lint": []}
    outcomes: list[ClauseOutcome] = []
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
        results = _timed(times["prove"], lambda: prove(book, apps, claims, seconds=60))
        outcomes = [result.outcome for result in results]
        comparison = _timed(times["compare"], lambda: compare(other, book, apps, seconds=60))
        findings = _timed(times["lint"], lambda: lint(book, apps, seconds_each=10))
        assert len(outcomes) == clauses
        assert comparison.outcome is ComparisonOutcome.LOOSER, comparison
        assert not [one for one in findings if one.oddity == "not_decided"]
    assert ClauseOutcome.UNKNOWN not in outcomes
    return {
        "rules": rules,
        "clauses": clauses,
        "proved": outcomes.count(ClauseOutcome.PROVED),
        "refuted": outcomes.count(ClauseOutcome.REFUTED),
        "rounds": rounds,
        **{f"{name}_seconds": round(statistics.median(some), 3) for name, some in times.items()},
    }


def measure_many(rules: int, rounds: int) -> dict[str, float | int]:
    """Return how long it takes to lint many rules, median in seconds."""
    book, apps = Rules(document=document(rules, 0)), catalogue()
    times: list[float] = []
    for number in range(rounds):
        print(f"many rules, round {number + 1} of {rounds}", file=sys.stderr)
        findings = _timed(times, lambda: lint(book, apps, seconds_each=10))
        assert not [one for one in findings if one.oddity == "not_decided"]
    return {"many_rules": rules, "many_rules_lint_seconds": round(statistics.median(times), 3)}


def _timed(times: list[float], act: Callable[[], Result]) -> Result:
    began = time.perf_counter()
    result = act()
    times.append(time.perf_counter() - began)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--clauses", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--many-rules", type=int, default=1000)
    options = parser.parse_args()
    result = measure(options.rules, options.clauses, options.rounds)
    result |= measure_many(options.many_rules, options.rounds)
    print(f"{result['clauses']} clauses about {result['rules']} rules: {result['prove_seconds']} s (at most 2)")
    print(f"two versions of them compared:  {result['compare_seconds']} s")
    print(f"looked at for what is odd:      {result['lint_seconds']} s")
    print(f"{result['many_rules']} rules looked at:          {result['many_rules_lint_seconds']} s")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
