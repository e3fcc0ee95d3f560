"""A TPM 2.0 that is a program (swtpm), made as a maker makes one: with an endorsement key and a certificate for it.

with Factory(folder) as factory:
    chip = factory.make("laptop")
    make_tpm_keys(chip.address)
"""

import hashlib
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

from cryptography import x509

from ostiary.agent.tpm import Tpm
from ostiary.agent.tpm_commands import _PASSWORD
from ostiary.devices.domain.tpm.attest import REGISTERS
from ostiary.devices.domain.tpm.wire import u16, u32
from tests.ports import free_port

STARTED_WITHIN_SECONDS = 30.0
OPENSSL_SETTINGS = """\
openssl_conf = settings
[settings]
providers = providers
alg_section = algorithms
[algorithms]
default_properties = ?provider=tpm2,tpm2.digest!=yes,tpm2.cipher!=yes,tpm2.rand!=yes
[providers]
default = builtin
tpm2 = chip
[builtin]
activate = 1
[chip]
activate = 1
"""
"""As the guide has it: the chip for keys, OpenSSL's own for everything else."""


class Chip:
    """One TPM, switched on."""

    def __init__(self, state: Path) -> None:
        self.state = state
        self.switch_on()

    def switch_on(self) -> None:
        while True:
            port = free_port()
            if free_port() == port + 1:
                break
        self.port = port
        self.process = subprocess.Popen(
            [
                *("swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self.state}"),
                *("--server", f"type=tcp,port={port},bindaddr=127.0.0.1"),
                *("--ctrl", f"type=tcp,port={port + 1},bindaddr=127.0.0.1"),
                *("--flags", "not-need-init,startup-clear"),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + STARTED_WITHIN_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                assert self.process.poll() is None, "swtpm did not start"
                assert time.monotonic() < until, "swtpm does not listen"
                time.sleep(0.01)

    @property
    def address(self) -> str:
        return f"swtpm:host=127.0.0.1,port={self.port}"

    def switch_off(self) -> None:
        self.process.terminate()
        self.process.wait()

    def start_again(self) -> None:
        """As its computer does: the registers are empty afterwards."""
        self.switch_off()
        self.switch_on()

    def extend(self, register: int, digest: bytes) -> None:
        with Tpm(self.address) as tpm:
            tpm.run(0x182, (register,), u32(1) + u16(0x000B) + digest, _PASSWORD)


class Factory:
    """Makes chips, and is the authority that vouches for them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chips: list[Chip] = []
        folder.mkdir()
        authority = folder / "authority"
        authority.mkdir()
        names = {"signingkey": "signkey.pem", "issuercert": "issuercert.pem", "certserial": "certserial"}
        lines = [f"statedir = {authority}", *(f"{key} = {authority / name}" for key, name in names.items())]
        (folder / "ca.conf").write_text("\n".join(lines) + "\n")
        (folder / "setup.conf").write_text(
            "create_certs_tool=/usr/bin/swtpm_localca\n"
            f"create_certs_tool_config={folder / 'ca.conf'}\n"
            "create_certs_tool_options=/dev/null\n"
            "active_pcr_banks=sha256\n"
        )

    def __enter__(self) -> "Factory":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for chip in self.chips:
            chip.switch_off()

    @property
    def issuer(self) -> Path:
        """The certificate that signed for the chips."""
        return self.folder / "authority" / "issuercert.pem"

    def makers(self) -> tuple[x509.Certificate, ...]:
        return (x509.load_pem_x509_certificate(self.issuer.read_bytes()),)

    def make(self, name: str, *, certified: bool = True) -> Chip:
        state = self.folder / name
        state.mkdir()
        if certified:
            words = ("swtpm_setup", "--tpm2", "--tpmstate", str(state), "--create-ek-cert")
            config = ("--config", str(self.folder / "setup.conf"))
            subprocess.run([*words, *config], check=True, capture_output=True)
        chip = Chip(state)
        self.chips.append(chip)
        return chip

    def vouch(self, folder: Path) -> None:
        """Have an instance take this maker's word."""
        if not self.issuer.exists():
            self.make("first")
        folder.mkdir(exist_ok=True)
        shutil.copy(self.issuer, folder / "maker.pem")


def entry(register: int, kind: int, content: bytes, digest: bytes | None = None) -> bytes:
    """Return one entry of a firmware's log, as it is written."""
    little = lambda number, length=4: number.to_bytes(length, "little")  # noqa: E731
    digest = hashlib.sha256(content).digest() if digest is None else digest
    return b"".join(
        (little(register), little(kind), little(1), little(0x000B, 2), digest, little(len(content)), content)
    )


def head() -> bytes:
    """Return what every log begins with."""
    inside = b"Spec ID Event03\x00" + bytes(4) + bytes([0, 2, 0, 2])
    inside += (1).to_bytes(4, "little") + (0x000B).to_bytes(2, "little") + (32).to_bytes(2, "little") + b"\x00"
    return bytes(4) + (3).to_bytes(4, "little") + bytes(20) + len(inside).to_bytes(4, "little") + inside


def secure_boot(value: bytes, name: str = "SecureBoot") -> bytes:
    """Return the content of the entry that says whether Secure Boot is on (UEFI_VARIABLE_DATA)."""
    owner = bytes.fromhex("61dfe48bca93d211aa0d00e098032b8c")
    letters = name.encode("utf-16-le")
    return owner + len(name).to_bytes(8, "little") + len(value).to_bytes(8, "little") + letters + value


class Firmware:
    """Starts a computer: writes its log and adds each entry to the chip's registers."""

    def __init__(self, chip: Chip, *, secure: bool = True) -> None:
        self.chip, self.log = chip, head()
        self.say(0, 8, b"version 1")
        self.say(7, 0x8000_0001, secure_boot(b"\x01" if secure else b"\x00"))
        for register in REGISTERS:
            self.say(register, 4, bytes(4))

    def say(self, register: int, kind: int, content: bytes) -> None:
        self.log += entry(register, kind, content)
        self.chip.extend(register, hashlib.sha256(content).digest())


class Manager:
    """A resource manager before a chip, as the kernel's is: several programs share it, and none runs out of room.

    While it is there nobody else speaks with the chip.
    """

    def __init__(self, chip: Chip, folder: Path) -> None:
        self.chip, self.folder = chip, folder

    def __enter__(self) -> dict[str, str]:
        """Return the environment in which OpenSSL uses the chip's keys."""
        bus, settings = self.folder / "bus", self.folder / "openssl.cnf"
        settings.write_text(OPENSSL_SETTINGS)
        words = ("dbus-daemon", "--session", "--nofork", "--print-address", f"--address=unix:path={bus}")
        self.bus = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.bus.stdout is not None
        assert self.bus.stdout.readline(), "the bus did not start"
        environment = {"PATH": os.environ["PATH"], "DBUS_SESSION_BUS_ADDRESS": f"unix:path={bus}"}
        words = ("tpm2-abrmd", "--session", "--allow-root", "--tcti", self.chip.address)
        self.manager = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        environment |= {"TPM2OPENSSL_TCTI": "tabrmd:bus_type=session", "OPENSSL_CONF": str(settings)}
        until = time.monotonic() + STARTED_WITHIN_SECONDS
        while not self._is_there(environment):
            assert self.manager.poll() is None, "tpm2-abrmd did not start"
            assert time.monotonic() < until, "tpm2-abrmd does not answer"
            time.sleep(0.05)
        return environment

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self.manager, self.bus):
            process.terminate()
            process.communicate()

    def _is_there(self, environment: dict[str, str]) -> bool:
        words = ("openssl", "list", "-providers")
        said = subprocess.run(words, env=environment, capture_output=True, text=True, check=False).stdout
        return "TPM 2.0" in said
