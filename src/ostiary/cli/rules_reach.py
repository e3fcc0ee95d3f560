"""`ostiary rules who-can` and `what-can`: who can do something, and what somebody can do, over every possible request."""

import sys
import time
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ostiary.cli.django import setup
from ostiary.cli.output import JsonOption, examples, print_json, print_note, print_table, print_text, progress
from ostiary.cli.rules import CedarOption, app
from ostiary.cli.rules_proof import EachOption, read_rulebook
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ostiary.policy.identifiers import PersonId, ServiceId
    from ostiary.policy.proof.facade import AppReach, WhoCan
    from ostiary.policy.request import ActionClass, AuthStrength, Subject
    from ostiary.policy.rules.document import Target
    from ostiary.policy.snapshot import Directory, PersonFact

MAX_PEOPLE: Final = 50
RulesOption = Annotated[
    str, typer.Option("--rules", help="A rules document; the rules in force when left out.", show_default=False)
]


class NotASelector(OstiaryError):
    """What was typed does not say whom or what it means."""


@app.command(
    "who-can", epilog=examples("ostiary rules who-can view app:payroll", "ostiary rules who-can any label:restricted")
)
def who_can(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="view, edit, delete, connect or any.")],
    target: Annotated[str, typer.Argument(metavar="TARGET", help="app:…, label:… or anything.")],
    file: RulesOption = "",
    cedar: CedarOption = None,
    seconds: EachOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """List the rules by which something can ever be done, what refuses it, and the people and services that can do it.

    Who must set up a stronger factor first is listed apart.
    """
    setup()
    from ostiary.applications.facade import read_applications
    from ostiary.identity.facts import read_identity
    from ostiary.policy.proof.facade import who_can as who_can_do

    rules, _ = read_rulebook(file, cedar)
    directory, catalogue, wanted = read_identity(), read_applications(), _target(target)
    act = _action(action)
    with progress("Looking at every rule"):
        found = who_can_do(
            rules,
            catalogue,
            act,
            wanted,
            directory=directory,
            services=_services(),
            can_prove=_can_prove(),
            seconds_each=seconds,
        )
    if not found.apps:
        raise NotASelector(f"No app is {target}.", hint="See which exist, with their labels: ostiary app list")
    if as_json:
        print_json(found)
    else:
        _print_who_can(found, directory)


@app.command(
    "what-can",
    epilog=examples("ostiary rules what-can person:anna@example.com", "ostiary rules what-can group:contractors"),
)
def what_can(
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="person:…, group:… or service:…")],
    file: RulesOption = "",
    cedar: CedarOption = None,
    seconds: EachOption = 10.0,
    as_json: JsonOption = False,
) -> None:
    """List the apps that somebody can reach, what they can do there, and by which rules. Proofs and devices are left open.

    What a person can do only after setting up a stronger factor is said besides.
    """
    setup()
    from ostiary.applications.facade import read_applications
    from ostiary.identity.facts import read_identity
    from ostiary.policy.identifiers import PersonId
    from ostiary.policy.proof.facade import what_can as what_can_do
    from ostiary.policy.request import AuthStrength

    rules, _ = read_rulebook(file, cedar)
    asking = _subject(subject, read_identity())
    with progress("Looking at every rule"):
        strength = _can_prove().get(asking.person or PersonId(""), AuthStrength.PHISHING_RESISTANT)
        reached = what_can_do(rules, read_applications(), asking, can_prove=strength, seconds_each=seconds)
    if as_json:
        print_json(reached)
    else:
        _print_reached(reached, subject)


def _can_prove() -> "Mapping[PersonId, AuthStrength]":
    """Return the strongest second factor that each person has set up."""
    from ostiary.gateway.surroundings import everybody
    from ostiary.identity.facade import strongest_proof

    return {person.id: strongest_proof(person) for person in everybody()}


def _services() -> "list[ServiceId]":
    """Return the services that are on and not over."""
    from ostiary.workloads.facade import State, list_services

    now = time.time()
    return [one.id for one in list_services() if one.state(now) is State.WORKS]


def _action(word: str) -> "ActionClass | None":
    from ostiary.policy.request import ActionClass

    actions = {action.value: action for action in ActionClass if action is not ActionClass.UNKNOWN}
    if word != "any" and word not in actions:
        raise NotASelector(f"`{word}` is not an action.", hint=f"Say {', '.join(actions)} or any.")
    return actions.get(word)


def _target(text: str) -> "Target":
    from ostiary.policy.rules.document import Target, TargetKind

    kind, _, name = text.partition(":")
    if text == TargetKind.ANYTHING:
        return Target(TargetKind.ANYTHING)
    if name and kind in (TargetKind.APP, TargetKind.LABEL):
        return Target(TargetKind(kind), name)
    raise NotASelector(f"`{text}` does not say what is meant.", hint="Say app:NAME, label:NAME or anything.")


def _subject(text: str, directory: "Directory") -> "Subject":
    """Return whom the text means. A member of a group is somebody who is in no other."""
    from ostiary.policy.identifiers import GroupId, PersonId, ServiceId
    from ostiary.policy.request import Subject

    kind, _, name = text.partition(":")
    if kind == "person" and name:
        for person in directory.people.values():
            if name.lower() in (person.id.lower(), person.email.lower()):
                return Subject(person=person.id, email=person.email, groups=frozenset(person.groups))
        raise NotASelector(f"There is nobody with the address or id {name}.", hint="List people: ostiary user list")
    if kind == "group" and name:
        if name not in directory.groups:
            raise NotASelector(f"There is no group `{name}`.", hint="List groups: ostiary group list")
        member = PersonId("somebody")
        return Subject(person=member, email="somebody@example.com", groups=frozenset({GroupId(name)}))
    if kind == "service" and name:
        return Subject(service=ServiceId(name))
    raise NotASelector(f"`{text}` does not say who is meant.", hint="Say person:ADDRESS, group:NAME or service:NAME.")


def _print_who_can(found: "WhoCan", directory: "Directory") -> None:
    print_table(
        ("Rule", "Means", "For instance"),
        ((way.rule, way.words, way.example.words if way.example else None) for way in found.ways),
        empty="Nobody can: no rule allows it.",
    )
    for way in found.limits:
        print_note(f"Refused by `{way.rule}`: {way.words}")
    later = set(found.set_up_first)
    _print_people([directory.people[one] for one in found.people if one not in later])
    if later:
        print_text(f"After setting up a stronger factor, {len(later)} more:")
        _print_people([directory.people[one] for one in found.set_up_first])
    for service in found.services:
        sys.stdout.write(f"service:{service}\n")
    if found.ways and not found.people and not found.services:
        print_note("Nobody in the directory is meant by these rules, and no service.")


def _print_people(people: list["PersonFact"]) -> None:
    for person in people[:MAX_PEOPLE]:
        sys.stdout.write(f"{person.name} <{person.email}>\n")
    if len(people) > MAX_PEOPLE:
        print_note(f"… and {len(people) - MAX_PEOPLE} more; --json lists everybody.")


def _print_reached(reached: tuple["AppReach", ...], subject: str) -> None:
    columns: dict[str, list[str | None]] = {
        "App": [one.app for one in reached],
        "Can": [", ".join(one.actions) for one in reached],
        "By": [", ".join(way.rule for way in one.rules) for one in reached],
    }
    if any(one.set_up_first for one in reached):
        columns["After setting up a stronger factor"] = [", ".join(one.set_up_first) or None for one in reached]
    rows = zip(*columns.values(), strict=True)
    print_table(tuple(columns), rows, empty=f"No rule lets {subject} do anything.")
