"""Means to sign in: added, used, renamed, removed. Whether a proof is recent enough to do so is asked in `web`."""

from datetime import UTC, datetime
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.conf import settings
from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from ostiary.identity.adapters.mail import send_later
from ostiary.identity.domain import ELIGIBLE
from ostiary.identity.domain.authenticators import AuthenticatorInfo, can_sign_in_with
from ostiary.identity.domain.proofs import RECOVERY_CODE, STRENGTH_OF, WEBAUTHN
from ostiary.identity.domain.proofs import TOTP as TOTP_METHOD
from ostiary.identity.errors import NotAllowed, UnknownAuthenticator, UnknownPerson
from ostiary.identity.journal import record_account_change
from ostiary.identity.models import DirectoryLink, Person
from ostiary.identity.services.guards import lock_person, parse_name, require_another_administrator
from ostiary.policy.identifiers import PersonId
from ostiary.visibility.facade import Actor

TOTP_PERIOD_SECONDS = 30
TOTP_STEPS_EITHER_WAY = 1
TOTP_DIGITS = 6
MAX_PASSKEYS = 20
MAX_LABEL_CHARACTERS = 60


def list_authenticators(*, person_id: PersonId) -> tuple[AuthenticatorInfo, ...]:
    """Return somebody's means to sign in: passkeys first, then the app, the password, the recovery codes.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
    """
    person = Person.objects.filter(pk=person_id).first()
    if person is None:
        raise UnknownPerson("There is nobody with this identifier.", detail=str(person_id)[:100])
    rows = list(Authenticator.objects.filter(user=person).order_by("created_at", "pk"))
    kinds = kinds_of(person)
    found = [_info(row, kinds) for row in rows]
    if person.has_usable_password():
        found.append(
            AuthenticatorInfo(id="", kind="password", name=_("Password"), removable=_can_go("password", kinds))
        )
    order = ("webauthn", "totp", "password", "recovery_codes")
    return tuple(sorted(found, key=lambda one: order.index(one.kind)))


def check_code(*, person_id: PersonId, code: str, now: float) -> str | None:
    """Return which method a typed code proves (`totp` or `recovery_code`), or `None`; it is used up with that.

    A time-based code is accepted one step early or late, and only once: never again in its own step or in one
    before it. Source: RFC 6238, section 5.2.
    """
    digits = "".join(code.split()).replace("-", "")
    if not digits.isascii() or not digits.isdigit():
        return None
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user_id=person_id, user__is_active=True)
        if len(digits) == TOTP_DIGITS:
            row = rows.filter(type=Authenticator.Type.TOTP).first()
            return TOTP_METHOD if row is not None and _take_totp(row, digits, now) else None
        row = rows.filter(type=Authenticator.Type.RECOVERY_CODES).first()
        if row is None or not RecoveryCodes(row).validate_code(digits):
            return None
        row.refresh_from_db()
        row.record_usage()
    return RECOVERY_CODE


def new_totp_secret() -> str:
    """Return a fresh secret for an authenticator app, in base 32."""
    secret: str = generate_totp_secret()
    return secret


def totp_address(*, person: Person, secret: str) -> str:
    """Return the `otpauth://` address that a QR code carries."""
    address: str = get_adapter().build_totp_url(person, secret)
    return address


@transaction.atomic
def set_up_totp(*, person_id: PersonId, secret: str, code: str, now: float, actor: Actor) -> bool:
    """Set up an authenticator app when `code` shows that it holds `secret`; an earlier one is replaced.

    Returns:
        Whether the code was right; nothing is changed when it was not.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
    """
    person = lock_person(person_id)
    digits = "".join(code.split())
    counter = _matching_counter(secret, digits, now)
    if counter is None:
        return False
    Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).delete()
    row = TOTP.activate(person, secret).instance
    row.data["last_counter"] = counter
    row.save(update_fields=["data"])
    row.record_usage()
    _reach_floor(person, TOTP_METHOD)
    record_account_change(actor=actor, change="mfa_enable", person=person, details={"authenticator": "totp"})
    tell_owner(person, _("An authenticator app was set up."))
    return True


@transaction.atomic
def unsafe_provision_totp(*, person_id: PersonId, actor: Actor) -> str:
    """Set up an authenticator app without its owner and return the secret. For demonstrations and tests only.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        NotAllowed: when the actor is somebody signed in.
    """
    if actor.kind == "person":
        raise NotAllowed("Secrets are set up by their owners.")
    person = lock_person(person_id)
    Authenticator.objects.filter(user=person, type=Authenticator.Type.TOTP).delete()
    secret = new_totp_secret()
    TOTP.activate(person, secret)
    record_account_change(actor=actor, change="mfa_enable", person=person, details={"authenticator": "totp"})
    return secret


@transaction.atomic
def add_passkey(*, person_id: PersonId, credential: dict[str, Any], name: str, actor: Actor) -> Authenticator:
    """Store a passkey whose registration was checked, and note its use.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
        NotAllowed: when they have too many already.
    """
    person = lock_person(person_id)
    rows = Authenticator.objects.filter(user=person, type=Authenticator.Type.WEBAUTHN)
    if rows.count() >= MAX_PASSKEYS:
        raise NotAllowed(f"There are {MAX_PASSKEYS} passkeys already.", hint="Remove one you no longer use.")
    label = parse_name(name, what="name", limit=MAX_LABEL_CHARACTERS) or _("Passkey")
    row = Authenticator.objects.create(
        user=person, type=Authenticator.Type.WEBAUTHN, data={"name": label, "credential": credential}
    )
    row.record_usage()
    _reach_floor(person, WEBAUTHN)
    record_account_change(actor=actor, change="mfa_enable", person=person, details={"authenticator": "webauthn"})
    tell_owner(person, _("A passkey named “%(name)s” was added.") % {"name": label})
    return row


@transaction.atomic
def rename_authenticator(*, person_id: PersonId, authenticator_id: str, name: str) -> None:
    """Change what its owner calls a passkey.

    Raises:
        UnknownAuthenticator: when this person has no such passkey.
        UnacceptableText: when the name cannot be stored.
    """
    row = _one_of(person_id, authenticator_id, kinds=("webauthn",))
    row.data["name"] = parse_name(name, what="name", limit=MAX_LABEL_CHARACTERS) or _("Passkey")
    row.save(update_fields=["data"])


@transaction.atomic
def remove_authenticator(*, person_id: PersonId, authenticator_id: str, actor: Actor) -> None:
    """Remove a passkey, the authenticator app or, with an empty identifier, the password.

    Raises:
        UnknownAuthenticator: when this person has none such.
        NotAllowed: when they could not sign in without it, or nobody could become an administrator any more.
    """
    person = lock_person(person_id)
    kinds = kinds_of(person)
    if authenticator_id:
        row = _one_of(person_id, authenticator_id, kinds=("webauthn", "totp"))
        kind = str(row.type)
    elif person.has_usable_password():
        row, kind = None, "password"
    else:
        raise UnknownAuthenticator("There is no password to remove.")
    if not _can_go(kind, kinds):
        raise NotAllowed("You could not sign in without this.", hint="Set up another way to sign in first.")
    if kind == WEBAUTHN and kinds.count(WEBAUTHN) == 1:
        require_another_administrator(person, leaves=ELIGIBLE)
    if row is None:
        person.set_unusable_password()
        person.save(update_fields=["password"])
    else:
        row.delete()
    record_account_change(actor=actor, change="mfa_disable", person=person, details={"authenticator": kind})
    tell_owner(person, _("A way to sign in was removed."))


@transaction.atomic
def make_recovery_codes(*, person_id: PersonId, actor: Actor) -> tuple[str, ...]:
    """Return ten new recovery codes; earlier ones stop working. They are shown once.

    Raises:
        UnknownPerson: when there is nobody with this identifier.
    """
    person = lock_person(person_id)
    Authenticator.objects.filter(user=person, type=Authenticator.Type.RECOVERY_CODES).delete()
    codes: list[str] = RecoveryCodes.activate(person).generate_codes()
    record_account_change(actor=actor, change="mfa_enable", person=person, details={"authenticator": "recovery_codes"})
    return tuple(f"{code[:5]} {code[5:]}" for code in codes)


def kinds_of(person: Person) -> list[str]:
    """Return the kind of each means somebody has to sign in, accounts in other directories included."""
    kinds = [str(one) for one in Authenticator.objects.filter(user=person).values_list("type", flat=True)]
    kinds += ["password"] if person.has_usable_password() else []
    return kinds + ["directory"] * DirectoryLink.objects.filter(person=person).count()


def _reach_floor(person: Person, method: str) -> None:
    """Forget what a recovery took away once something worth as much is in its place."""
    if 0 < person.second_factor_floor <= STRENGTH_OF[method]:
        person.second_factor_floor = 0
        person.save(update_fields=["second_factor_floor"])


def second_factor_is_required() -> bool:
    """Say whether the instance demands a second factor."""
    required: bool = settings.INSTANCE.configuration.sign_in.require_second_factor
    return required


def _one_of(person_id: PersonId, authenticator_id: str, *, kinds: tuple[str, ...]) -> Authenticator:
    row = None
    if authenticator_id.isascii() and authenticator_id.isdigit() and len(authenticator_id) < 19:
        rows = Authenticator.objects.select_for_update().filter(user_id=person_id, type__in=kinds)
        row = rows.filter(pk=int(authenticator_id)).first()
    if row is None:
        raise UnknownAuthenticator("There is no such authenticator.")
    return row


def _info(row: Authenticator, kinds: list[str]) -> AuthenticatorInfo:
    names = {"totp": _("Authenticator app"), "recovery_codes": _("Recovery codes")}
    kind = str(row.type)
    return AuthenticatorInfo(
        id=str(row.pk),
        kind=kind,  # type: ignore[arg-type]
        name=names.get(kind) or str(row.data.get("name", _("Passkey"))),
        created_at=row.created_at.timestamp(),
        last_used_at=row.last_used_at.timestamp() if row.last_used_at else None,
        removable=kind != "recovery_codes" and _can_go(kind, kinds),
        left=len(RecoveryCodes(row).get_unused_codes()) if kind == "recovery_codes" else None,
    )


def _can_go(kind: str, kinds: list[str]) -> bool:
    rest = list(kinds)
    rest.remove(kind)
    return can_sign_in_with(rest, second_factor_required=second_factor_is_required())


def _take_totp(row: Authenticator, digits: str, now: float) -> bool:
    secret = get_adapter().decrypt(row.data["secret"])
    counter = _matching_counter(secret, digits, now)
    if counter is None or counter <= row.data.get("last_counter", -1):
        return False
    row.data["last_counter"] = counter
    row.last_used_at = datetime.fromtimestamp(now, UTC)
    row.save(update_fields=["data", "last_used_at"])
    return True


def _matching_counter(secret: str, digits: str, now: float) -> int | None:
    """Return the time step whose code was typed; every step is compared, so that time tells nothing."""
    step = int(now) // TOTP_PERIOD_SECONDS
    found = None
    for counter in range(step - TOTP_STEPS_EITHER_WAY, step + TOTP_STEPS_EITHER_WAY + 1):
        if constant_time_compare(format_hotp_value(hotp_value(secret, counter)), digits):
            found = counter
    return found


def tell_owner(person: Person, what: str) -> None:
    """Write to the owner once the change is committed."""
    if person.email_confirmed_at is not None:
        transaction.on_commit(
            lambda: send_later(to=person.email, template="changed", context={"name": person.name, "what": what})
        )
