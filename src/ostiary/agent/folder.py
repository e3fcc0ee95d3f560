"""What the agent keeps: its key, its certificate, and where it is enrolled. Readable by its user alone, replaced in one step.

`device.key` is the private key (PEM; one in a TPM is encrypted by it, and `tpm.json` says where that is), `device.pem` the certificate with its chain: the two files that browsers and other
programs are given. `device.json` says where the device is enrolled and under which name; `authority.pem` is whom it trusts
besides the system. `reports.json` is what has to be remembered of reports, those that wait to be sent among them. `browsers.json` says
which browsers' stores hold the certificate, to be kept fresh there.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from ostiary.agent.outbox import Reports
from ostiary.agent.system.files import read_whole, remove_whole, replace_whole, temporary_name
from ostiary.agent.system.locking import let_go, take_lock
from ostiary.agent.system.output import OLDER
from ostiary.agent.system.privacy import is_own_folder, is_shared, shut
from ostiary.agent.tpm_key import TpmKey, TpmKeys, pem_of_key
from ostiary.devices.domain.messages import SigningKey
from ostiary.errors import OstiaryError

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
LOG_FILE: Final = "agent.log"
PARCEL_PREFIX: Final = ".browser-"
"""How the folders begin in which key and certificate lie for as long as browsers' stores take them in."""
_KEPT: Final = (
    KEY_FILE, TPM_FILE, CERTIFICATE_FILE, ENROLMENT_FILE, AUTHORITY_FILE, REPORTS_FILE, BROWSERS_FILE, ROOM_FILE,
    LOG_FILE, f"{LOG_FILE}{OLDER}",
)  # fmt: skip
_OURS: Final = frozenset({LOCK_FILE, *_KEPT, *map(temporary_name, _KEPT)})


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
        try:
            self._make()
            descriptor = take_lock(self.path / LOCK_FILE)
        except OSError as error:
            raise _unusable(self.path, error) from None
        try:
            self._clear()
            yield
        finally:
            let_go(descriptor)

    def enrolled(self) -> Enrolled:
        """Return where this computer is enrolled.

        Raises:
            NotEnrolled: when it is not.
            UnusableFolder: when that cannot be read.
        """
        try:
            return msgspec.json.decode(read_whole(self.path / ENROLMENT_FILE), type=Enrolled)
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
            return msgspec.json.decode(read_whole(self.path / REPORTS_FILE), type=Reports)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return Reports()

    def write_reports(self, reports: Reports) -> None:
        """Remember that. Raises `UnusableFolder` when it cannot be written."""
        self._replace(REPORTS_FILE, msgspec.json.encode(reports))

    def make_key(self) -> SigningKey:
        """Make another key and keep it. Raises `UnusableFolder` when it cannot be written."""
        self._remove(TPM_FILE)
        key = ec.generate_private_key(ec.SECP256R1())
        self._replace(KEY_FILE, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return key

    def keep_tpm(self, keys: TpmKeys) -> SigningKey:
        """Keep what a TPM made: it alone can use it. The key is made in a file where it made none. Raises `UnusableFolder` when it cannot be written."""
        if keys.device is None:
            key = self.make_key()
        else:
            key = TpmKey(keys)
            self._replace(KEY_FILE, pem_of_key(keys.device))
        self._replace(TPM_FILE, msgspec.json.format(msgspec.json.encode(keys)))
        return key

    def tpm(self) -> TpmKeys | None:
        """Return what is kept of the TPM that speaks for this computer, with its key where that lies there; `None` for none.

        Raises:
            UnusableFolder: when that cannot be read.
        """
        try:
            return msgspec.json.decode(read_whole(self.path / TPM_FILE), type=TpmKeys)
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
        if (kept := self.tpm()) is not None and kept.device is not None:
            return TpmKey(kept)
        try:
            if not to_leave and is_shared(self.key_file):
                raise UnusableFolder(
                    f"Others can read {self.key_file}, so it proves nothing any more.",
                    hint="Give it up and enrol anew: ostiary-agent leave, then ostiary-agent enrol ADDRESS",
                )
            key = load_pem_private_key(read_whole(self.key_file), password=None)
        except (OSError, ValueError, TypeError) as error:
            raise _unusable(self.key_file, error) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise UnusableFolder(f"{self.key_file} is no key of a device.", hint="Enrol anew.")
        return key

    def certificate(self) -> x509.Certificate | None:
        """Return the newest certificate, or `None` where there is none that can be read."""
        try:
            return x509.load_pem_x509_certificates(read_whole(self.certificate_file))[0]
        except (OSError, ValueError):
            return None

    def write_certificate(self, chain: str) -> None:
        """Keep a certificate with its chain. Raises `UnusableFolder` when it cannot be written."""
        self._replace(CERTIFICATE_FILE, chain.encode())

    def forget_certificate(self) -> None:
        """Remove the certificate where there is one. Raises `UnusableFolder` when that is not possible."""
        self._remove(CERTIFICATE_FILE)

    def write_authority(self, pem: bytes) -> None:
        """Keep whom to trust besides the system; nothing where `pem` is empty."""
        if pem:
            self._replace(AUTHORITY_FILE, pem)
        else:
            self._remove(AUTHORITY_FILE)

    def browsers(self) -> tuple[InBrowser, ...]:
        """Return which browsers' stores were given the certificate. Raises `UnusableFolder` when that cannot be read."""
        path = self.path / BROWSERS_FILE
        try:
            return msgspec.json.decode(read_whole(path), type=tuple[InBrowser, ...])
        except FileNotFoundError:
            return ()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _unusable(path, error) from None

    def write_browsers(self, browsers: Iterable[InBrowser]) -> None:
        """Keep which browsers' stores hold the certificate. Raises `UnusableFolder` when it cannot be written."""
        self._replace(BROWSERS_FILE, msgspec.json.format(msgspec.json.encode(tuple(browsers))))

    def forget(self) -> None:
        """Remove everything; the key first. Raises `UnusableFolder` when that is not possible."""
        for name in _KEPT:
            self._remove(name)

    def _make(self) -> None:
        made = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not is_own_folder(self.path):
            raise UnusableFolder(f"{self.path} is not a folder of your own.", hint="Choose another with --folder.")
        if made:
            shut(self.path)
        elif is_shared(self.path):
            if not all(one.name in _OURS or one.name.startswith(PARCEL_PREFIX) for one in self.path.iterdir()):
                raise UnusableFolder(
                    f"Others can look into {self.path}, and it holds other things too.",
                    hint="Choose one for the agent alone with --folder.",
                )
            shut(self.path)

    def _clear(self) -> None:
        """Remove what an agent that was killed left: nobody else is at work here."""
        for one in self.path.glob(f"{PARCEL_PREFIX}*"):
            shutil.rmtree(one, ignore_errors=True)

    def require_room(self) -> None:
        """Return when an answer can be kept: to ask again for one that was lost looks like a copied key. Raises `UnusableFolder`."""
        self._replace(ROOM_FILE, bytes(ROOM_BYTES))
        self._remove(ROOM_FILE)

    def _replace(self, name: str, content: bytes) -> None:
        try:
            replace_whole(self.path / name, content)
        except OSError as error:
            raise _unusable(self.path / name, error) from None

    def _remove(self, name: str) -> None:
        try:
            remove_whole(self.path / name)
        except OSError as error:
            raise _unusable(self.path / name, error) from None


def _unusable(path: Path, error: Exception) -> UnusableFolder:
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return UnusableFolder(
        f"{path} cannot be used ({why}).", hint="Look at its folder, or choose another with --folder."
    )
