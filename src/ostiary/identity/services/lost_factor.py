"""A lost second factor: asked for with the password, confirmed by a second person, ended with the password again.

Neither a mailbox nor whoever confirms is enough: the link is shown to whoever confirms, is never mailed, and is good
only together with the password. What comes in place of the lost factor is worth as much.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from ostiary.identity.adapters.mail import send_later
from ostiary.identity.afresh import begin_afresh
from ostiary.identity.client import Client
from ostiary.identity.domain import ADMINISTRATORS, BUILTIN_GROUPS, HELPDESK, Invitation
from ostiary.identity.domain.limits import mail_limits
from ostiary.identity.domain.proofs import strongest
from ostiary.identity.domain.recoveries import RecoveryInfo
from ostiary.identity.errors import LinkRefused, NotAllowed, UnknownRecovery
from ostiary.identity.journal import record_account_change
from ostiary.identity.limits import attempt
from ostiary.identity.models import Membership, OneTimeLink, Person, Recovery
from ostiary.identity.recovery_queries import recovery_of
from ostiary.identity.services.authenticators import kinds_of
from ostiary.identity.services.guards import is_administrator, lock_person, parse_reason, require_may_change_person
from ostiary.identity.services.links import RECOVERY_LINK_SECONDS, make_link, use_link, withdraw_links
from ostiary.identity.services.session_ends import end_sessions
from ostiary.identity.terms import in_force
from ostiary.policy.identifiers import PersonId
from ostiary.policy.request import AuthStrength
from ostiary.visibility.facade import Actor

ANSWER_WITHIN: Final = timedelta(days=1)
MOST_TOLD: Final = 10
State = Recovery.State


def ask_for_recovery(*, person_id: PersonId, client: Client) -> RecoveryInfo:
    """Ask that somebody confirm who this person is; the password was right just now. Asked again, it is the same one.

    Args:
        person_id: who lost their second factor.
        client: from where they ask.

    Raises:
        NotAllowed: when they have no second factor that could be lost.
        TooManyAttempts: when it was asked too often.
    """
    with attempt(mail_limits(purpose="recovery", email=str(person_id), address=client.address)), transaction.atomic():
        person = lock_person(person_id)
        if not person.may_sign_in or strongest(kinds_of(person)) is AuthStrength.SINGLE:
            raise NotAllowed("There is no second factor to replace.", hint="Sign in to set one up.")
        now = datetime.now(UTC)
        row = Recovery.objects.filter(person=person, state=State.ASKED, expires_at__gt=now).first()
        if row is not None:
            return recovery_of(row)
        row = Recovery.objects.create(
            person=person,
            asked_at=now,
            expires_at=now + ANSWER_WITHIN,
            address=client.address,
            user_agent=client.user_agent[:400],
        )
        actor = Actor(kind="person", id=person.id, label=person.email, address=client.address or None)
        record_account_change(actor=actor, change="recover", person=person, details={"recovery": row.id, "step": "ask"})
        _tell(person, _("Somebody with your password asks to replace your second factor, from %(address)s.") % {
            "address": client.address or _("an unknown address")
        })  # fmt: skip
        _ask_approvers(row)
    return recovery_of(row)


@transaction.atomic
def confirm_recovery(*, recovery_id: str, reason: str, actor: Actor) -> Invitation:
    """Confirm who somebody is, and return the link to hand over to them: once, for half an hour, with their password.

    Args:
        recovery_id: which one.
        reason: how it was made sure that it is them.
        actor: an administrator, the help desk, whoever they report to, or a command on the machine.

    Raises:
        UnknownRecovery: when there is none such.
        NotAllowed: when the actor may not, it is the actor's own, or it was answered or lapsed already.
        UnacceptableText: when there is no reason.
    """
    row = _answer(recovery_id, State.CONFIRMED, reason, actor)
    withdraw_links(row.person_id, OneTimeLink.Purpose.RECOVERY)
    link, expires_at = make_link(person=row.person, purpose=OneTimeLink.Purpose.RECOVERY, seconds=RECOVERY_LINK_SECONDS)
    row.expires_at = expires_at
    row.save(update_fields=["expires_at"])
    _tell(row.person, _("%(who)s confirmed that you replace your second factor.") % {"who": actor.label})
    return Invitation(person_id=PersonId(row.person_id), link=link, expires_at=expires_at.timestamp())


@transaction.atomic
def refuse_recovery(*, recovery_id: str, reason: str, actor: Actor) -> None:
    """Say that somebody is not who they claim to be, or that there is another way; a link that was handed over before ends.

    Raises:
        UnknownRecovery: when there is none such.
        NotAllowed: as for confirming.
    """
    row = _answer(recovery_id, State.REFUSED, reason, actor)
    withdraw_links(row.person_id, OneTimeLink.Purpose.RECOVERY)
    _tell(row.person, _("%(who)s refused to let your second factor be replaced.") % {"who": actor.label})


@transaction.atomic
def use_recovery(*, token: str, address: str) -> Person:
    """Use a recovery's link up, after the password was right, and end every sign-in and access token; return whose it is.

    Whoever found what was lost may have made tokens with it. What was set up stays until something worth as much is in its place.

    Raises:
        LinkRefused: when the link does not work.
    """
    link = use_link(token, purpose=OneTimeLink.Purpose.RECOVERY)
    person = lock_person(link.person_id)
    row = (
        Recovery.objects.select_for_update().filter(person=person, state=State.CONFIRMED).order_by("-asked_at").first()
    )
    if row is None:
        raise LinkRefused("This link does not work any more.", hint="Ask for a new one.")
    row.state = State.USED
    row.save(update_fields=["state"])
    end_sessions(person)
    actor = Actor(kind="person", id=person.id, label=person.email, address=address or None)
    begin_afresh(PersonId(person.id), actor=actor, reason="a lost second factor is replaced")
    record_account_change(actor=actor, change="recover", person=person, details={"recovery": row.id, "step": "use"})
    _tell(person, _("Your second factor is being replaced, from %(address)s. You are signed out everywhere.") % {
        "address": address or _("an unknown address")
    })  # fmt: skip
    return person


@transaction.atomic
def finish_recovery(*, person_id: PersonId, actor: Actor) -> None:
    """Take away what was lost, now that the newest second factor is in its place; recovery codes go as well.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
    """
    person = lock_person(person_id)
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    rows = Authenticator.objects.filter(user=person)
    newest = rows.filter(type__in=kinds).order_by("-created_at", "-pk").first()
    if newest is None:
        return
    lost = rows.exclude(pk=newest.pk)
    details: dict[str, str | int | float | bool | None] = {"recovery": "finish", "taken_away": lost.count()}
    lost.delete()
    record_account_change(actor=actor, change="mfa_disable", person=person, details=details)
    _tell(person, _("Your second factor was replaced; what you had before opens nothing any more."))


def may_answer_recovery(*, recovery: RecoveryInfo, actor: Actor) -> bool:
    """Say whether somebody may confirm or refuse a recovery."""
    person = Person.objects.filter(pk=recovery.person_id).first()
    try:
        _require_may_answer(person, actor)
    except NotAllowed:
        return False
    return True


def _answer(recovery_id: str, state: State, reason: str, actor: Actor) -> Recovery:
    row = Recovery.objects.select_for_update().select_related("person").filter(pk=recovery_id).first()
    if row is None:
        raise UnknownRecovery("There is no such recovery.", hint="List them: ostiary user recovery list")
    person = lock_person(row.person_id)
    _require_may_answer(person, actor)
    now = datetime.now(UTC)
    if row.state != State.ASKED or row.expires_at <= now or not person.may_sign_in:
        raise NotAllowed("This was answered already, or lapsed.", hint="They can ask again.")
    words = parse_reason(reason)
    if state is State.CONFIRMED and not words:
        raise NotAllowed("Say how you made sure that it is them.", hint="For instance: called them on their number.")
    row.state, row.answered_at, row.answered_by, row.reason = state, now, actor.label[:200], words
    row.save(update_fields=["state", "answered_at", "answered_by", "reason"])
    step = "confirm" if state is State.CONFIRMED else "refuse"
    record_account_change(
        actor=actor, change="recover", person=person, reason=words, details={"recovery": row.id, "step": step}
    )
    return row


def _require_may_answer(person: Person | None, actor: Actor) -> None:
    """Raise `NotAllowed` for oneself, for strangers, and for whoever is no administrator where one is recovered."""
    if actor.kind == "machine":
        return
    if person is None or actor.kind != "person" or actor.id == person.id:
        raise NotAllowed("Somebody else confirms this.", hint="Ask another administrator.")
    require_may_change_person(actor, person)
    holds_a_role = Membership.objects.filter(in_force(), person=person, group_id__in=BUILTIN_GROUPS).exists()
    able = Person.objects.filter(in_force(), pk=actor.id, is_active=True).exists()
    desk = able and Membership.objects.filter(in_force(), person_id=actor.id, group_id=HELPDESK).exists()
    manager = able and person.manager_id == actor.id
    if is_administrator(actor.id) or (not holds_a_role and (desk or manager)):
        return
    raise NotAllowed("You may not confirm this.", hint="Administrators, and whoever they report to, may.")


def _ask_approvers(row: Recovery) -> None:
    """Write to whoever they report to, or to the administrators when there is nobody or an administrator asks."""
    person, instance = row.person, settings.INSTANCE
    holds_a_role = Membership.objects.filter(in_force(), person=person, group_id__in=BUILTIN_GROUPS).exists()
    portal = instance.url(instance.identity_host, f"/recoveries/{row.id}")
    told: list[tuple[Person, str]] = []
    if person.manager is not None and person.manager.may_sign_in and not holds_a_role:
        told.append((person.manager, portal))
    groups = (ADMINISTRATORS,) if holds_a_role or told else (ADMINISTRATORS, HELPDESK)
    members = Membership.objects.filter(
        in_force(), group_id__in=groups, person__is_active=True, person__emergency=False
    )
    console = instance.url(instance.console_host, f"/recoveries/{row.id}/")
    others = members.exclude(person=person).select_related("person").order_by("person__email")
    for one in {row.person_id: row.person for row in others[:MOST_TOLD]}.values():
        told.append((one, console))
    who = person.name or person.email
    for one, link in told:
        shown: dict[str, object] = {
            "name": one.name,
            "who": who,
            "email": person.email,
            "address": row.address,
            "link": link,
        }
        _later(one.email, "recovery_asked", shown)


def _tell(person: Person, what: str) -> None:
    """Write to the person's address, confirmed or not: they must hear of it."""
    _later(person.email, "recovery", {"name": person.name, "what": what})


def _later(to: str, template: str, context: dict[str, object]) -> None:
    transaction.on_commit(lambda: send_later(to=to, template=template, context=context))
