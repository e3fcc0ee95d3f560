"""Whether the firmware starts only what is signed: the variables SecureBoot and SetupMode (UEFI 2.10, section 3.3), in efivarfs.

Where shim starts the system, it can be told to look at no signature any more (`mokutil --disable-validation`): it says so in the
variable MokSBStateRT, and the kernel goes by that as well.
"""

from collections.abc import Mapping

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Value

FIRMWARE = "/sys/firmware/efi"
VARIABLES = f"{FIRMWARE}/efivars"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
SHIM = "605dab50-e046-4300-abb6-3dd810dd8b23"


def look(computer: Computer) -> Mapping[str, Value]:
    """Return whether it is on."""
    if computer.changed_at(FIRMWARE) is None:
        raise CannotTell("This computer was not started by UEFI, or it is a container.")
    on = parse_variable(computer.read_bytes(f"{VARIABLES}/SecureBoot-{GLOBAL}"))
    try:
        setup = parse_variable(computer.read_bytes(f"{VARIABLES}/SetupMode-{GLOBAL}"))
    except CannotTell:
        setup = False
    shim = f"{VARIABLES}/MokSBStateRT-{SHIM}"
    blind = computer.changed_at(shim) is not None and parse_variable(computer.read_bytes(shim))
    return {"secure_boot": on and not setup and not blind}


def parse_variable(content: bytes) -> bool:
    """Return what a variable of one byte says; efivarfs puts four bytes of attributes before it.

    Raises:
        CannotTell: when it has another form.
    """
    if len(content) != 5 or content[4] not in {0, 1}:
        raise CannotTell("The firmware's word on Secure Boot has another form than it should.")
    return content[4] == 1


COLLECTOR = Collector(facts=("secure_boot",), look=look, quick=True)
