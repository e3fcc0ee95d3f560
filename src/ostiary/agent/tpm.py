"""Speaks with a TPM 2.0: the kernel's device, or an emulator's socket. One command, one answer; what to say is in `tpm_commands`.

Source: TPM Library, Part 1, section 18 (command and response structure); Part 2, section 6.6 (response codes).
"""

import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol

from ostiary.devices.domain.tpm.wire import Reader, UnreadableTpm, u32
from ostiary.errors import OstiaryError

DEVICE: Final = Path("/dev/tpmrm0")
"""The one with the kernel's resource manager: many programs use the TPM at once and do not see each other's keys."""
TPM_VARIABLE: Final = "OSTIARY_AGENT_TPM"
OFF: Final = "off"
AUTO: Final = "auto"
MAX_ANSWER_BYTES: Final = 4096
ANSWER_SECONDS: Final = 120.0
"""A small chip may take a minute to make an RSA key."""
_HEADER_BYTES: Final = 10
_SESSIONS: Final = (0x8002).to_bytes(2, "big")
_NO_SESSIONS: Final = (0x8001).to_bytes(2, "big")
_BUSY: Final = frozenset({0x922, 0x90A, 0x908})
"""TPM_RC_RETRY, TPM_RC_TESTING, TPM_RC_YIELDED: the same again, a little later."""
_BUSY_PAUSE_SECONDS: Final = 0.1
_BUSY_TRIES: Final = 200


class UnusableTpm(OstiaryError):
    """There is no TPM that can be used, or it refuses."""

    def __init__(self, message: str, *, hint: str = "", code: int = 0) -> None:
        super().__init__(message, hint=hint)
        self.code = code


class Line(Protocol):
    """A way to a TPM."""

    def say(self, command: bytes) -> bytes:
        """Return the answer to a command."""

    def close(self) -> None:
        """Let go of it."""


def usable_here() -> str:
    """Return this computer's own TPM where whoever runs the agent may use it; empty otherwise, and where `chosen_tpm` says none."""
    if os.environ.get(TPM_VARIABLE, "") == OFF or sys.platform != "linux":
        return ""
    return str(DEVICE) if os.access(DEVICE, os.R_OK | os.W_OK) else ""


def chosen_tpm(said: str) -> str:
    """Return which TPM to use: what was said, else what the environment says; empty for none.

    Args:
        said: `auto` for the computer's own, `off`, a device's path, or `swtpm:host=…,port=…`; empty where nothing was.

    Raises:
        UnusableTpm: where it is the computer's own and the agent cannot speak with that.
    """
    choice = said or os.environ.get(TPM_VARIABLE, "")
    if choice == AUTO and sys.platform != "linux":
        raise UnusableTpm(
            "The agent keeps keys in a TPM on Linux only.",
            hint="Enrol without --tpm: the key is then a file that its user alone can read.",
        )
    return {OFF: "", AUTO: str(DEVICE)}.get(choice, choice)


class Tpm:
    """An open TPM. What it was given to hold, it is told to let go of (`tpm_commands.loaded`)."""

    def __init__(self, address: str) -> None:
        """Open it.

        Args:
            address: a device's path, `device:PATH`, or `swtpm:host=…,port=…`.

        Raises:
            UnusableTpm: when that is not possible.
        """
        self.address = address
        try:
            self._line: Line = _socket(address) if address.startswith("swtpm:") else _Device(address)
        except OSError as error:
            hint = "Its group may use it: sudo usermod -aG tss YOU, then sign in anew." if error.errno == 13 else ""
            raise UnusableTpm(
                f"The TPM at {address} cannot be opened ({error.strerror or error}).", hint=hint
            ) from None

    def __enter__(self) -> "Tpm":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self._line.close()

    def run(self, code: int, handles: tuple[int, ...], parameters: bytes, *auths: bytes, returns: int = 0) -> "Answer":
        """Have the TPM do something.

        Args:
            code: what.
            handles: with which keys.
            parameters: as written.
            auths: who may use each of the keys (TPMS_AUTH_COMMAND).
            returns: how many handles come back.

        Raises:
            UnusableTpm: when it refuses or does not answer.
        """
        area = b"".join(auths)
        inside = b"".join(map(u32, handles)) + (u32(len(area)) + area if auths else b"") + parameters
        tag = _SESSIONS if auths else _NO_SESSIONS
        command = tag + u32(_HEADER_BYTES + len(inside)) + u32(code) + inside
        try:
            answer = Reader(self._said(command))
            with_sessions = answer.take(2) == _SESSIONS
            answer.take(8)
            got = tuple(answer.number(4) for _ in range(returns))
            return Answer(handles=got, reader=Reader(answer.take(answer.number(4)) if with_sessions else answer.rest()))
        except OSError as error:
            raise UnusableTpm(f"The TPM does not answer ({error.strerror or error}).") from None
        except UnreadableTpm as error:
            raise UnusableTpm(f"The TPM answers nonsense: {error.message}") from None

    def _said(self, command: bytes) -> bytes:
        for _ in range(_BUSY_TRIES):
            answer = self._line.say(command)
            result = int.from_bytes(answer[6:_HEADER_BYTES], "big")
            if result == 0:
                return answer
            if result not in _BUSY:
                raise UnusableTpm(f"The TPM refuses (0x{result:03x}).", code=result)
            time.sleep(_BUSY_PAUSE_SECONDS)
        raise UnusableTpm("The TPM has been busy for too long.", hint="Try again.")


class Answer:
    """What came back: handles of what was made, and the rest to be read."""

    def __init__(self, *, handles: tuple[int, ...], reader: Reader) -> None:
        self.handles = handles
        self.reader = reader


class _Device:
    def __init__(self, address: str) -> None:
        self._descriptor = os.open(address.removeprefix("device:"), os.O_RDWR)

    def say(self, command: bytes) -> bytes:
        os.write(self._descriptor, command)
        return os.read(self._descriptor, MAX_ANSWER_BYTES)

    def close(self) -> None:
        os.close(self._descriptor)


class _Emulator:
    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=ANSWER_SECONDS)

    def say(self, command: bytes) -> bytes:
        self._socket.sendall(command)
        head = self._take(_HEADER_BYTES)
        length = int.from_bytes(head[2:6], "big")
        if not _HEADER_BYTES <= length <= MAX_ANSWER_BYTES:
            raise UnreadableTpm("its answer has no length.")
        return head + self._take(length - _HEADER_BYTES)

    def close(self) -> None:
        self._socket.close()

    def _take(self, length: int) -> bytes:
        taken = b""
        while len(taken) < length:
            part = self._socket.recv(length - len(taken))
            if not part:
                raise UnreadableTpm("its answer is cut off.")
            taken += part
        return taken


def _socket(address: str) -> _Emulator:
    said = dict(part.split("=", 1) for part in address.removeprefix("swtpm:").split(",") if "=" in part)
    port = said.get("port", "2321")
    if set(said) - {"host", "port"} or not port.isdecimal() or not 0 < int(port) <= 0xFFFF:
        raise UnusableTpm(f"{address!r} names no TPM.", hint="Write it as swtpm:host=127.0.0.1,port=2321")
    return _Emulator(said.get("host", "127.0.0.1"), int(port))
