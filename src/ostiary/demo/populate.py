"""Fills an instance with the sample company, through the facades alone. Repeating completes what is missing. Needs Django."""

from collections.abc import Callable
from pathlib import Path

from ostiary.applications.facade import add_app, change_app, list_apps
from ostiary.demo.company import APPS, GROUPS, HEAD, MAIL_DOMAIN, ROLES, SamplePerson, sample_people
from ostiary.demo.devices import enrol_sample_devices
from ostiary.demo.notes import Account, Notes
from ostiary.demo.words import new_passphrase
from ostiary.identity.facade import (
    Profile,
    UnknownPerson,
    assign_role,
    change_profile,
    create_group,
    create_person,
    create_role,
    find_person,
    list_groups,
    list_roles,
    unsafe_provision_totp,
)
from ostiary.policy.identifiers import AppId, GroupId, PersonId
from ostiary.rulebook.facade import apply_rules, get_current, initial_rules
from ostiary.visibility.facade import Actor

RULES_FILE = Path(__file__).with_name("company_rules.yaml")
CONTACT = "nadia.haddad@lindenhof.example"


def populate(notes: Notes, say: Callable[[str], None]) -> Notes:
    """Create what is missing and return the notes with the accounts to try.

    Args:
        notes: ports and accounts so far.
        say: is told each step.
    """
    actor = Actor(kind="system", id="demo", label="the demo's builder")
    present = {group.id for group in list_groups()}
    for group, (name, description) in GROUPS.items():
        if group not in present:
            create_group(id=group, name=name, description=description, actor=actor)
    accounts = _create_people(notes, actor, say)
    _create_roles(actor)
    _create_apps(notes, actor, say)
    enrol_sample_devices(MAIL_DOMAIN, actor, say)
    if get_current().document.strip() == initial_rules().strip():
        say("putting the company's rules in force")
        apply_rules(document=RULES_FILE.read_text(encoding="utf-8"), comment="The sample company's rules", actor=actor)
    return Notes(https_port=notes.https_port, ports=notes.ports, accounts=accounts)


def _create_people(notes: Notes, actor: Actor, say: Callable[[str], None]) -> tuple[Account, ...]:
    accounts = {account.email: account for account in notes.accounts}
    people = sample_people()
    for number, person in enumerate(people, start=1):
        try:
            find_person(person.email)
        except UnknownPerson:
            if number % 10 == 1:
                say(f"hiring people {number} to {min(number + 9, len(people))} of {len(people)}")
            if account := _hire(person, actor):
                accounts[person.email] = account
    return tuple(accounts.values())


def _hire(person: SamplePerson, actor: Actor) -> Account | None:
    password = new_passphrase()
    groups = [GroupId(group) for group in person.groups]
    id_: PersonId = create_person(email=person.email, name=person.name, password=password, groups=groups, actor=actor)
    if not person.story:
        return None
    secret = unsafe_provision_totp(person_id=id_, actor=actor)
    return Account(name=person.name, email=person.email, story=person.story, password=password, totp=secret)


def _create_roles(actor: Actor) -> None:
    """Create the roles that are missing, and give each to its holder."""
    present, addresses = {role.id for role in list_roles()}, {one.name: one.email for one in sample_people()}
    head = addresses[HEAD]
    for role in ROLES:
        if role.id in present:
            continue
        groups = [GroupId(group) for group in role.groups]
        created = create_role(
            id=role.id, name=role.name, description=role.description, owner=head, groups=groups, actor=actor
        )
        holder = find_person(addresses[role.holder]).id
        assign_role(role_id=created, person_id=holder, reason="Their job", actor=actor)
        profile = Profile(title=role.name, department=role.department, manager=head)
        change_profile(person_id=holder, profile=profile, actor=actor)


def _create_apps(notes: Notes, actor: Actor, say: Callable[[str], None]) -> None:
    present = {app.id: app for app in list_apps()}
    for app in APPS:
        upstream = f"http://127.0.0.1:{notes.ports[app.id]}"
        if (known := present.get(AppId(app.id))) is None:
            say(f"connecting {app.name}")
            add_app(
                app.id,
                upstream=upstream,
                actor=actor,
                name=app.name,
                description=app.description,
                labels=app.labels,
                identity_headers=dict(app.headers),
                health_path=app.health_path,
                contact=CONTACT,
            )
        elif known.upstream.url != upstream:
            change_app(app.id, upstream=upstream, actor=actor)
