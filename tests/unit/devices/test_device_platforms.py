"""What a device runs on, told from its own words in one place for all."""

import pytest

from ostiary.devices.domain.platforms import platform_of
from ostiary.devices.domain.support_ends import ENDS, ROLLING


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("Debian GNU/Linux 12 (bookworm), x86_64", "linux"),
        ("Ubuntu 24.04.1 LTS, aarch64", "linux"),
        ("Zorin OS 17, x86_64", "linux"),
        ("elementary OS 8, aarch64", "linux"),
        ("macOS 15.1, arm64", "macos"),
        ("Mac OS X 10.15", "macos"),
        ("Darwin, arm64", "macos"),
        ("Microsoft Windows 11 Pro", "windows"),
        ("Windows 11, aarch64", "windows"),
        ("", None),
        ("10.0.22631", None),
    ],
)
def test_a_platform_is_read_from_what_a_device_says(text: str, platform: str | None) -> None:
    assert platform_of(text) == platform


@pytest.mark.parametrize("system", sorted({*ENDS, *ROLLING}))
def test_every_system_whose_support_is_known_has_its_platform(system: str) -> None:
    expected = next((one for one in ("macos", "windows") if system.startswith(one)), "linux")
    for words in (system, system.replace("-", " ").title()):
        for processor in ("x86_64", "aarch64", "arm64"):
            assert platform_of(f"{words} 12, {processor}") == expected
