"""A TPM 2.0 that is a program (swtpm), made as a maker makes one: with an endorsement key and a certificate for it.

with Factory(folder) as factory:
    chip = factory.make("laptop")
    make_tpm_keys(chip.address)
"""

import hashlib
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
