"""How people and their sign-ins are named to an application; nothing of it says anything to another one."""

import secrets as randomness

from django.db import transaction
from django.utils.crypto import salted_hmac

from ostiary.identity.facade import Person, SignInSession
from ostiary.saml.domain.names import NameFormat
from ostiary.saml.domain.service_provider import ServiceProvider
from ostiary.saml.models import StoredName


@transaction.atomic
def name_of(provider: ServiceProvider, person: Person, session: SignInSession) -> str:
    """Return how somebody is named to an application; a persistent name is made at the first sign-in."""
    match provider.name_format:
        case NameFormat.EMAIL:
            return person.email
        case NameFormat.TRANSIENT:
            return f"_{_derived('transient', provider, session)}"
        case NameFormat.PERSISTENT:
            found, _new = StoredName.objects.get_or_create(
                provider_id=provider.app, person_id=person.id, defaults={"value": randomness.token_hex(20)}
            )
            return found.value


def session_index_of(provider: ServiceProvider, session: SignInSession) -> str:
    """Return how a sign-in is called to an application, which can end it by that; it says nothing to another one."""
    return f"_{_derived('session', provider, session)}"


def _derived(purpose: str, provider: ServiceProvider, session: SignInSession) -> str:
    text = f"{provider.app}\0{session.id}"
    return salted_hmac(f"ostiary.saml.{purpose}", text, algorithm="sha256").hexdigest()[:40]
