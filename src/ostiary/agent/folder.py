"""What the agent keeps: its key, its certificate, and where it is enrolled. Readable by its user alone, replaced in one step.

`device.key` is the private key (PEM; one in a TPM is encrypted by it, and `tpm.json` says where that is), `device.pem` the certificate with its chain: the two files that browsers and other
programs are given. `device.json` says where the device is enrolled and under which name; `authority.pem` is whom it trusts
besides the system. `reports.json` is what has to be remembered of reports, those that wait to be sent among them. `browsers.json` says
which browsers' stores hold the certificate, to be kept fresh there.
"""

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ostiary.agent.outbox import Reports
from ostiary.agent.tpm_key import TpmKey, TpmKeys, pem_of_key
from ostiary.devices.domain.messages import SigningKey
from ostiary.errors import OstiaryError

FOLDER_VARIABLE: Final = "OSTIARY_AGENT_HOME"
SYSTEM_FOLDER: Final = Path("/var/lib/ostiary-agent")
KEY_FILE: Final = "device.key"
CERTIFICATE_FILE: Final = "device.pem"
ENROLMENT_FILE: Final = "device.json"
AUTHORITY_FILE: Final = "authority.pem"
REPORTS_FILE: Final = "reports.json"
BROWSERS_FILE: Final = "browsers.json"
TPM_FILE: Final = "tpm.json"
ROOM_FILE: Final = "room"
ROOM_BYTES: Final = 16 * 1024
"""More than a certificate with its chain needs."""
LOCK_FILE: Final = ".lock"
_KEPT: Final = (
    KEY_FILE, TPM_FILE, CERTIFICATE_FILE, ENROLMENT_FILE, AUTHORITY_FILE, REPORTS_FILE, BROWSERS_FILE, ROOM_FILE,
)  # fmt: skip
_OURS: Final = frozenset({LOCK_FILE, *_KEPT, *(f".{name}.tmp" for name in _KEPT)})


class UnusableFolder(OstiaryError):
    """What the agent keeps cannot be read or written, or is not safe where it is."""


class NotEnrolled(OstiaryError):
    """This computer is not enrolled."""


class Enrolled(msgspec.Struct, frozen=True, kw_only=True):
    """Where this computer is enrolled, and as what; `key_protection` as the instance has it, empty before the first certificate."""

    origin: str
    device: str
    name: str
    owner: str
    key_protection: str = ""


class InBrowser(msgspec.Struct, frozen=True, kw_only=True):
    """A browser's store that was given the certificate.

    Args:
        browser: whose store, in words.
        folder: of its database; empty for the system's own store.
        name: what the certificate is called there.
    """

    browser: str
    folder: str
    name: str


def default_folder() -> Path:
    """Return where the agent keeps its files: the system's place for root, else the person's own (XDG)."""
    if chosen := os.environ.get(FOLDER_VARIABLE):
        return Path(chosen)
    if os.geteuid() == 0:
        return SYSTEM_FOLDER
    state = os.environ.get("XDG_STATE_HOME", "")
    return (Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state") / "ostiary-agent"


class Folder:
    """The agent's files in one folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def key_file(self) -> Path:
        """The private key."""
        return self.path / KEY_FILE

    @property
    def certificate_file(self) -> Path:
        """The certificate with its chain."""
        return self.path / CERTIFICATE_FILE

    @property
    def authority_file(self) -> Path:
        """Whom the agent trusts besides the system; it may not be there."""
        return self.path / AUTHORITY_FILE

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other agents away meanwhile: two that renew at once look like a copied key.

        Raises:
            UnusableFolder: when the folder is somebody else's, is there for other things, or cannot be made.
        """
        descriptor = -1
        try:
            self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._require_own()
            descriptor = os.open(self.path / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if descriptor >= 0:
                os.close(descriptor)
            raise _unusable(self.path, error) from None
        try:
            yield
        finally:
            os.close(descriptor)

    def enrolled(self) -> Enrolled:
        """Return where this computer is enrolled.

        Raises:
            NotEnrolled: when it is not.
            UnusableFolder: when that cannot be read.
        """
        try:
            return msgspec.json.decode((self.path / ENROLMENT_FILE).read_bytes(), type=Enrolled)
        except FileNotFoundError:
            raise NotEnrolled("This computer is not enrolled.", hint="Enrol it: ostiary-agent enrol ADDRESS") from None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _unusable(self.path / ENROLMENT_FILE, error) from None

    def write_enrolled(self, enrolled: Enrolled) -> None:
        """Keep where this computer is enrolled. Raises `UnusableFolder` when it cannot be written."""
        self._replace(ENROLMENT_FILE, msgspec.json.format(msgspec.json.encode(enrolled)))

    def reports(self) -> Reports:
        """Return what is remembered of reports; nothing where that cannot be read, for nothing is lost for good."""
        try:
            return msgspec.json.decode((self.path / REPORTS_FILE).read_bytes(), type=Reports)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return Reports()

    def write_reports(self, reports: Reports) -> None:
        """Remember that. Raises `UnusableFolder` when it cannot be written."""
        self._replace(REPORTS_FILE, msgspec.json.encode(reports))

    def make_key(self) -> SigningKey:
        """Make another key and keep it. Raises `UnusableFolder` when it cannot be written."""
        (self.path / TPM_FILE).unlink(missing_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        self._replace(KEY_FILE, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return key

    def keep_tpm(self, keys: TpmKeys) -> SigningKey:
        """Keep what a TPM made: it alone can use it. Raises `UnusableFolder` when it cannot be written."""
        self._replace(KEY_FILE, pem_of_key(keys.device))
        self._replace(TPM_FILE, msgspec.json.format(msgspec.json.encode(keys)))
        return TpmKey(keys)

    def tpm(self) -> TpmKeys | None:
        """Return what is kept of the TPM that the key lies in; `None` for a key in a file.

        Raises:
            UnusableFolder: when that cannot be read.
        """
        try:
            return msgspec.json.decode((self.path / TPM_FILE).read_bytes(), type=TpmKeys)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _unusable(self.path / TPM_FILE, error) from None

    def key(self, *, to_leave: bool = False) -> SigningKey:
        """Return the private key, or what uses it in its TPM.

        Args:
            to_leave: it only says that it is given up, which one that others can read may say, too.

        Raises:
            UnusableFolder: when there is none, or others can read it.
        """
        if (kept := self.tpm()) is not None:
            return TpmKey(kept)
        try:
            if not to_leave and stat.S_IMODE(self.key_file.stat().st_mode) & 0o077:
                raise UnusableFolder(
                    f"Others can read {self.key_file}, so it proves nothing any more.",
                    hint="Give it up and enrol anew: ostiary-agent leave, then ostiary-agent enrol ADDRESS",
                )
            key = load_pem_private_key(self.key_file.read_bytes(), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise _unusable(self.key_file, error) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise UnusableFolder(f"{self.key_file} is no key of a device.", hint="Enrol anew.")
        return key

    def certificate(self) -> x509.Certificate | None:
        """Return the newest certificate, or `None` where there is none that can be read."""
        try:
            return x509.load_pem_x509_certificates(self.certificate_file.read_bytes())[0]
        except (OSError, ValueError):
            return None

    def write_certificate(self, chain: str) -> None:
        """Keep a certificate with its chain. Raises `UnusableFolder` when it cannot be written."""
        self._replace(CERTIFICATE_FILE, chain.encode())

    def write_authority(self, pem: bytes) -> None:
        """Keep whom to trust besides the system; nothing where `pem` is empty."""
        if pem:
            self._replace(AUTHORITY_FILE, pem)
        else:
            self.authority_file.unlink(missing_ok=True)

    def browsers(self) -> tuple[InBrowser, ...]:
        """Return which browsers' stores were given the certificate. Raises `UnusableFolder` when that cannot be read."""
        path = self.path / BROWSERS_FILE
        try:
            return msgspec.json.decode(path.read_bytes(), type=tuple[InBrowser, ...])
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _unusable(path, error) from None

    def write_browsers(self, browsers: Iterable[InBrowser]) -> None:
        """Keep which browsers' stores hold the certificate. Raises `UnusableFolder` when it cannot be written."""
        self._replace(BROWSERS_FILE, msgspec.json.format(msgspec.json.encode(tuple(browsers))))

    def forget(self) -> None:
        """Remove everything; the key first. Raises `UnusableFolder` when that is not possible."""
        try:
            for name in _KEPT:
                (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise _unusable(self.path, error) from None

    def _require_own(self) -> None:
        status = self.path.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
            raise UnusableFolder(f"{self.path} is not a folder of your own.", hint="Choose another with --folder.")
        if stat.S_IMODE(status.st_mode) & 0o077:
            if any(one.name not in _OURS for one in self.path.iterdir()):
                raise UnusableFolder(
                    f"Others can look into {self.path}, and it holds other things too.",
                    hint="Choose one for the agent alone with --folder.",
                )
            self.path.chmod(0o700)

    def require_room(self) -> None:
        """Return when an answer can be kept: to ask again for one that was lost looks like a copied key. Raises `UnusableFolder`."""
        self._replace(ROOM_FILE, bytes(ROOM_BYTES))
        (self.path / ROOM_FILE).unlink(missing_ok=True)

    def _replace(self, name: str, content: bytes) -> None:
        temporary = self.path / f".{name}.tmp"
        try:
            temporary.unlink(missing_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path / name)
        except OSError as error:
            raise _unusable(self.path / name, error) from None


def _unusable(path: Path, error: Exception) -> UnusableFolder:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnusableFolder(
        f"{path} cannot be used ({why}).", hint="Look at its folder, or choose another with --folder."
    )
