"""The people, the groups, the application and the rules of a benchmark, made through the product's own services.

Run by `instance` as `python -m bench.company PEOPLE UPSTREAM [RULES]`, with `OSTIARY_HOME` set; prints who may sign in, as JSON.
"""

import secrets
import sys

import msgspec

from ostiary.cli.django import setup
from ostiary.policy.identifiers import AppId, GroupId

APP = AppId("echo")
GROUPS = (
    (GroupId("staff"), "Everybody who works here"),
    (GroupId("engineering"), "Engineering"),
    (GroupId("finance"), "Finance"),
    (GroupId("sales"), "Sales"),
    (GroupId("support"), "Support"),
    (GroupId("contractors"), "Contractors"),
)
RULES = """\
version: 1
rules:
  - name: staff-use-echo
    allow: group:staff
    to: app:echo
    do: [view, edit]
    when:
      mfa: otp
  - name: administrators-manage
    allow: group:administrators
    to: app:console
    do: any
    when:
      mfa: phishing-resistant
  - name: contractors-stay-out-of-finance
    deny: group:contractors
    to: label:restricted
"""


class Account(msgspec.Struct, frozen=True):
    """How one person signs in.

    Args:
        seed: of their authenticator app, base 32.
    """

    id: str
    email: str
    password: str
    seed: str


def main(people: int, upstream: str, rules: str = RULES) -> list[Account]:
    """Make the company, unless it is there, and `people` more people in it; return them."""
    setup()
    from django.db import transaction  # noqa: PLC0415 - Django must be set up first

    from ostiary.applications.facade import add_app, list_apps  # noqa: PLC0415
    from ostiary.identity.facade import create_group, create_person, list_people  # noqa: PLC0415
    from ostiary.identity.facade import unsafe_provision_totp as provision_totp  # noqa: PLC0415
    from ostiary.rulebook.facade import apply_rules  # noqa: PLC0415
    from ostiary.visibility.facade import Actor  # noqa: PLC0415

    actor = Actor(kind="system", id="bench", label="the benchmark")
    accounts = []
    with transaction.atomic():
        if APP not in {app.id for app in list_apps()}:
            for group, name in GROUPS:
                create_group(id=group, name=name, actor=actor)
            add_app(APP, upstream=upstream, name="Echo", actor=actor)
            apply_rules(document=rules, comment="for the benchmark", actor=actor)
        first = list_people(page_size=1).total
        for number in range(first, first + people):
            email, password = f"person-{number}@example.com", secrets.token_urlsafe(18)
            department = GROUPS[1 + number % (len(GROUPS) - 2)][0]
            who = create_person(
                email=email, name=f"Person {number}", password=password, groups=(GROUPS[0][0], department), actor=actor
            )
            accounts.append(Account(who, email, password, provision_totp(person_id=who, actor=actor)))
    return accounts


if __name__ == "__main__":
    print(msgspec.json.encode(main(int(sys.argv[1]), *sys.argv[2:])).decode())
