"""What a device is taken to run on where those who speak of it disagree."""

import pytest

from ostiary.baselines.domain.runs_on import runs_on
from ostiary.devices.domain.posture import Evidence, Reported, SourceFacts, combine


@pytest.mark.parametrize(
    ("enrolled", "systems", "platform"),
    [
        ("Debian, x86_64", (), "linux"),
        ("Debian, x86_64", ("Debian GNU/Linux 12", "Ubuntu 24.04"), "linux"),
        ("Debian, x86_64", ("a system of our own",), "linux"),
        ("Debian, x86_64", ("Debian GNU/Linux 12", "Windows 10.0.22631"), None),
        ("Debian, x86_64", ("macOS 15.1",), None),
        ("a system of our own", ("Windows 11",), None),
    ],
)
def test_whoever_says_otherwise_makes_it_unknown(enrolled: str, systems: tuple[str, ...], platform: str | None) -> None:
    assert runs_on(enrolled, systems) == platform


def test_what_a_computer_is_does_not_age_and_is_a_text() -> None:
    said = [
        SourceFacts(
            source=source,
            evidence=Evidence.SELF_REPORTED,
            lasts=60.0,
            facts={"os_version": Reported(name="os_version", value=value, at=0.0)},
        )
        for source, value in (("agent", "Debian 12"), ("fleet", "Windows 11"), ("intune", None), ("jamf", 7))
    ]
    found = combine(said, now=10_000.0)
    assert (set(found.systems), found.known) == ({"Debian 12", "Windows 11"}, {})
