"""What the plan of a rule change costs: who gains and who loses what, for a whole firm. Run `python -m bench.rules_plan`."""

import argparse
import time

from ostiary.policy.engine import PolicyEngine
from ostiary.policy.identifiers import AppId, Generation, GroupId, Label, PersonId, PolicyVersion
from ostiary.policy.request import Authentication, AuthStrength, Context
from ostiary.policy.rules.parsed import write_parsed
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.snapshot import AppFact, Catalogue, PersonFact, Rules
from ostiary.rulebook.reach import Reach, find_reach
from ostiary.rulebook.surroundings import Circumstances, Member, Surroundings
from ostiary.rulebook.week import moments_of_week

NOW = 1_795_000_000.0


def firm(*, people: int, apps: int) -> Surroundings:
    """Return a firm in which everybody is in three of twenty groups and half are signed in."""
    members = []
    for number in range(people):
        person = PersonId(f"p_{number}")
        groups = tuple(GroupId(f"group-{(number * step) % 20}") for step in (1, 3, 7))
        session = Circumstances(
            (
                Authentication("password", AuthStrength.SINGLE, NOW - 60 * number),
                Authentication("totp", AuthStrength.OTP, NOW - 59 * number),
            ),
            Context(address=f"10.1.{number % 250}.7", risk=0),
        )
        members.append(
            Member(
                person=PersonFact(
                    id=person, email=f"p{number}@example.com", name=f"P {number}", active=True, groups=groups
                ),
                methods=("password", "totp") if number % 3 else ("webauthn",),
                sessions=(session,) if number % 2 else (),
            )
        )
    catalogue = {
        AppId(f"app-{n}"): AppFact(
            id=AppId(f"app-{n}"), host=f"a{n}.example.com", name=f"App {n}", labels=(Label(f"label-{n % 5}"),)
        )
        for n in range(apps)
    }
    return Surroundings(members=tuple(members), catalogue=Catalogue(apps=catalogue))


def rules(*, apps: int, strength: str) -> str:
    """Return a document with two rules an app: a group by its proof, a second one at the office in the week's hours."""
    lines = ["version: 1", "rules:"]
    for number in range(apps):
        lines += [
            f"  - {{name: use-{number}, allow: group:group-{number % 20}, to: app:app-{number}, do: any,",
            f"     when: {{mfa: {strength}}}}}",
            f"  - {{name: office-{number}, allow: group:group-{(number + 5) % 20}, to: app:app-{number}, do: view,",
            "     when: {mfa: {method: otp, within: 12h}, networks: 10.1.0.0/17, hours: Mon-Fri 07:00-20:00 Europe/Berlin}}",
        ]
    return "\n".join(lines) + "\n"


def plan(surroundings: Surroundings, old: str, new: str) -> Reach:
    """Return what the change does."""
    documents = read_rules(old), read_rules(new)
    engines = [
        PolicyEngine(
            Rules(document=text, version=PolicyVersion("bench"), parsed=write_parsed(text, read)),
            surroundings.catalogue,
            Generation(1),
        )
        for text, read in zip((old, new), documents, strict=True)
    ]
    return find_reach(
        engines[0],
        engines[1],
        documents=documents,
        cedar=False,
        surroundings=surroundings,
        moments=moments_of_week(documents, NOW),
    )


def main() -> None:
    """Measure a change that asks everybody for a passkey."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--people", type=int, default=500)
    options.add_argument("--apps", type=int, default=50)
    chosen = options.parse_args()
    surroundings = firm(people=chosen.people, apps=chosen.apps)
    old, new = (rules(apps=chosen.apps, strength=strength) for strength in ("any", "phishing-resistant"))
    began = time.perf_counter()
    reach = plan(surroundings, old, new)
    seconds = time.perf_counter() - began
    print(f"{chosen.people} people, {chosen.apps} apps: {seconds:.2f} s; {len(reach.losing)} lose something")


if __name__ == "__main__":
    main()
