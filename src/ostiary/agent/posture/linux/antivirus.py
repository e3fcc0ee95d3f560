"""Whether a guard against malware runs, and whether what it knows is new. A scanner that only runs when asked is no guard; osquery is none.

Of ClamAV that is `clamonacc`, which has every file looked at that is opened; `clamd` alone waits to be asked.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone

import msgspec

from ostiary.agent.posture.computer import CannotTell, Computer
from ostiary.agent.posture.finding import Collector, Unknown, Value

CLAMAV_FOLDER = "/var/lib/clamav"
CLAMAV_DAILY = ("daily.cld", "daily.cvd")
CURRENT_DAYS = 7
FIRST_PERSON = 1000
"""UID_MIN of login.defs(5): guards run as root or as an account of the system's; a person can call a program anything."""
_HEADER_BYTES = 512
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One product: what of it runs, and how its age is told (`None`: it takes care of that by itself and does not say)."""

    name: str
    runs: frozenset[str]
    current: Callable[[Computer], bool] | None = None


def look(computer: Computer) -> Mapping[str, Value]:
    """Return whether one runs and is current; where several do, the best."""
    running = {process.name for process in computer.processes() if process.user < FIRST_PERSON}
    found = [product for product in PRODUCTS if product.runs & running]
    if not found:
        return {"antivirus_running": False, "antivirus_current": Unknown("No guard that the agent knows runs.")}
    return {"antivirus_running": True, "antivirus_current": _current(found, computer)}


def parse_clamav(content: bytes) -> float:
    """Return when a database of ClamAV was made (seconds since the epoch), from its header: `ClamAV-VDB:22 Nov 2026 09-24 +0000:…`.

    Raises:
        CannotTell: for anything else.
    """
    head = content[:_HEADER_BYTES].decode("latin-1")
    match = re.match(
        r"ClamAV-VDB:(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2})-(\d{2}) ([+-])(\d{2})(\d{2}):", head, re.ASCII
    )
    if match is None or match[2] not in _MONTHS:
        raise CannotTell("ClamAV's database does not say when it was made.")
    day, year, hour, minute = (int(match[at]) for at in (1, 3, 4, 5))
    off = timedelta(hours=int(match[7]), minutes=int(match[8])) * (1 if match[6] == "+" else -1)
    try:
        made = datetime(year, _MONTHS.index(match[2]) + 1, day, hour, minute, tzinfo=timezone(off))
        return made.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        raise CannotTell("ClamAV's database does not say when it was made.") from None


def parse_mdatp(text: str) -> bool:
    """Return whether Microsoft Defender guards and its definitions are new, from `mdatp health --output json`. Raises `CannotTell`."""
    try:
        said = json.loads(text)
        status, guards = said["definitionsStatus"], said["realTimeProtectionEnabled"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CannotTell("Microsoft Defender does not say how it is.") from None
    word = status.get("$type", "") if isinstance(status, dict) else status
    guarding = guards.get("value") if isinstance(guards, dict) else guards
    if not isinstance(word, str) or not isinstance(guarding, bool):
        raise CannotTell("Microsoft Defender does not say how it is.")
    return guarding and word.lower().replace("_", "") == "uptodate"


def parse_wazuh(text: str) -> bool:
    """Return whether Wazuh's agent is in touch with its server, from `wazuh-agentd.state`."""
    return re.search(r"^status='connected'\s*$", text, re.MULTILINE) is not None


def _current(found: list[Product], computer: Computer) -> Value:
    why = Unknown(f"{found[0].name} does not say how new what it knows is.")
    answers = []
    for product in found:
        if product.current is None:
            continue
        try:
            answers.append(product.current(computer))
        except CannotTell as error:
            why = Unknown(error.why)
    return any(answers) if answers else why


def _clamav(computer: Computer) -> bool:
    made = []
    for name in CLAMAV_DAILY:
        if computer.changed_at(f"{CLAMAV_FOLDER}/{name}") is not None:
            made.append(parse_clamav(computer.read_bytes(f"{CLAMAV_FOLDER}/{name}")))
    if not made:
        raise CannotTell("ClamAV has no database.")
    return computer.now - max(made) <= CURRENT_DAYS * 86400


PRODUCTS = (
    Product(name="ClamAV", runs=frozenset({"clamonacc"}), current=_clamav),
    Product(
        name="Microsoft Defender",
        runs=frozenset({"wdavdaemon"}),
        current=lambda computer: parse_mdatp(computer.run("mdatp", "health", "--output", "json").said),
    ),
    Product(name="CrowdStrike Falcon", runs=frozenset({"falcon-sensor", "falcon-sensor-b"})),
    Product(name="SentinelOne", runs=frozenset({"s1-agent", "sentineld", "sentinelone-age"})),
    Product(
        name="Wazuh",
        runs=frozenset({"wazuh-agentd"}),
        current=lambda computer: parse_wazuh(computer.read("/var/ossec/var/run/wazuh-agentd.state")),
    ),
)
COLLECTOR = Collector(facts=("antivirus_running", "antivirus_current"), look=look)
