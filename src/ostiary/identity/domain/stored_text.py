"""What a database can hold as text, so that asking for something impossible finds nothing instead of failing."""


def can_be_stored(text: str) -> bool:
    """Say whether `text` could stand in the database: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= one <= "\udfff" for one in text)
