"""A real OpenSSH server on a port of its own, for tests: it serves one git repository to one key, and nothing else."""

import os
import pwd
import socket
import subprocess
import time
from pathlib import Path

from tests.ports import free_port

SSHD = Path("/usr/sbin/sshd")
PATIENCE_SECONDS = 60.0
CONFIGURATION = """\
ListenAddress 127.0.0.1:{port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/authorized
PidFile none
UsePAM {pam}
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
"""


def make_key(path: Path) -> Path:
    """Make a key pair; the public part is beside it, `.pub`."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path], check=True)
    return path


class SshServer:
    """Runs while it is used as a context.

    Args:
        folder: for its keys; made.
        repository: the bare repository that it serves.
    """

    def __init__(self, folder: Path, repository: Path) -> None:
        assert SSHD.exists(), "OpenSSH's server is not installed; run: apt-get install openssh-server"
        folder.mkdir(mode=0o700)
        self.port, self.log = free_port(), folder / "sshd.log"
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.key, self.host_key = make_key(folder / "reader"), make_key(folder / "host")
        command = f"git-upload-pack '{repository}'"
        (folder / "authorized").write_text(f'restrict,command="{command}" {_public(self.key)}\n')
        self.known_hosts = folder / "known hosts"
        self.trust(self.host_key)
        self._configuration = folder / "sshd_config"
        self._configuration.write_text(CONFIGURATION.format(port=self.port, folder=folder, pam=_pam()))
        self.address = f"ssh://{self.user}@127.0.0.1:{self.port}{repository}"

    def trust(self, host_key: Path) -> None:
        """Let clients expect this key of the server, and no other."""
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {_public(host_key)}\n")

    def __enter__(self) -> "SshServer":
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # the package has systemd make it
        with self.log.open("wb") as log:
            self._process = subprocess.Popen([SSHD, "-D", "-e", "-f", self._configuration], stderr=log)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self._answers():
            assert self._process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)
        return self

    def __exit__(self, *_why: object) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE_SECONDS)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_SECONDS) as link:
                return link.recv(4) == b"SSH-"
        except OSError:
            return False


def _public(key: Path) -> str:
    return key.with_suffix(".pub").read_text().strip()


def _pam() -> str:
    """Without PAM the server lets nobody in whose password is locked, as root's often is."""
    if os.getuid():
        return "no"
    lines = Path("/etc/shadow").read_text().splitlines()
    return "yes" if any(line.startswith("root:!") for line in lines) else "no"
