"""How a device stands to what is required of it, in words for the console and the portal."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.baselines.facade import Stands

STANDS_WORDS: Final[dict[Stands, tuple[str, Promise]]] = {
    Stands.COMPLIANT: ("allowed", _("As required")),
    Stands.GRACE: ("held", _("Has time left")),
    Stands.HELD: ("held", _("Held")),
    Stands.BLOCKED: ("refused", _("Blocked")),
}
"""What a badge means and says."""
