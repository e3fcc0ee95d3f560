"""How often what is known of vulnerabilities changed. Everything that depends on it says under which number it was made."""

from django.db.models import F

from ostiary.software.models import Knowledge


def generation() -> int:
    """Return the number of what is known now."""
    return knowledge().generation


def knowledge() -> Knowledge:
    """Return the one row."""
    return Knowledge.objects.get_or_create(pk=1)[0]


def learn() -> None:
    """Count a change; use inside its transaction."""
    knowledge()
    Knowledge.objects.filter(pk=1).update(generation=F("generation") + 1, uncounted=True)


def hold_packages() -> None:
    """Let nobody else add packages, or forget any, until the transaction that is open ends."""
    knowledge()
    Knowledge.objects.select_for_update().get(pk=1)


def recount_soon() -> None:
    """Have the devices of each advisory counted again."""
    knowledge()
    Knowledge.objects.filter(pk=1, uncounted=False).update(uncounted=True)
