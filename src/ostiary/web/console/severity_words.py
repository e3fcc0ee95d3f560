"""How bad a vulnerability is, in words for the console."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from ostiary.software.facade import Severity

SEVERITY_WORDS: Final[dict[Severity, Promise]] = {
    Severity.CRITICAL: _("Critical"),
    Severity.HIGH: _("High"),
    Severity.MEDIUM: _("Medium"),
    Severity.LOW: _("Low"),
    Severity.UNKNOWN: _("Not said"),
}
SEVERITY_MEANINGS: Final = {
    Severity.CRITICAL: "refused",
    Severity.HIGH: "held",
    Severity.MEDIUM: "",
    Severity.LOW: "",
    Severity.UNKNOWN: "",
}
