"""How often what is known of vulnerabilities changed. Everything that depends on it says under which number it was made."""

from ostiary.software.models import Knowledge


def generation() -> int:
    """Return the number of what is known now."""
    return knowledge().generation


def knowledge() -> Knowledge:
    """Return the one row."""
    return Knowledge.objects.get_or_create(pk=1)[0]


def learn() -> None:
    """Count a change; use inside its transaction."""
    row = knowledge()
    row.generation += 1
    row.uncounted = True
    row.save(update_fields=["generation", "uncounted"])


def recount_soon() -> None:
    """Have the devices of each advisory counted again."""
    knowledge()
    Knowledge.objects.filter(pk=1, uncounted=False).update(uncounted=True)
