"""Each finding of the doctor, provoked for real."""

import contextlib
import os
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.decider_company import company
from tests.device_material import device_fact, make_leaf
from tests.instance import make_instance_home
from tests.ports import free_port
from tests.shell_instance import OwnInstance

from ostiary.config.loader import load_instance
from ostiary.config.places import Instance
from ostiary.gateway.replaced_file import replace_file
from ostiary.gateway.snapshots import write_snapshot
from ostiary.policy.snapshot import Devices
from ostiary.supervisor.diagnosis import belongings, machine, ports
from ostiary.supervisor.diagnosis.finding import Finding, Level


@pytest.fixture
def home() -> Iterator[Path]:
    import shutil

    place = make_instance_home()
    yield place
    shutil.rmtree(place)


def configured(home: Path, toml: str = "") -> Instance:
    (home / "ostiary.toml").write_text(f'domain = "example.test"\n{toml}')
    return load_instance(home, {})


def only(findings: "list[Finding] | Iterator[Finding]", level: Level = Level.PROBLEM) -> Finding:
    [finding] = [finding for finding in findings if finding.level is level]
    assert finding.mend
    return finding


def test_a_port_that_somebody_else_has_is_named_with_its_holder(home):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        port = holder.getsockname()[1]
        instance = configured(home, f'[gateway]\naddress = "127.0.0.1"\nhttps_port = {port}\nhttp_port = 0')
        finding = only(ports.check_ports(instance))
    assert f"Port {port} is taken" in finding.words
    assert str(os.getpid()) in finding.words
    assert "gateway.https_port" in finding.mend
    assert all(finding.level is Level.OK for finding in ports.check_ports(instance))


def test_an_address_of_another_machine_is_named(home):
    instance = configured(home, '[gateway]\naddress = "192.0.2.77"\nhttps_port = 18443\nhttp_port = 0')
    assert "no address 192.0.2.77" in only(ports.check_ports(instance)).words


def test_a_low_port_without_the_right_is_named(home, tmp_path):
    if os.geteuid() != 0:
        pytest.fail("run the tests as root: this one gives its rights up")
    script = (
        "import os\nfrom ostiary.supervisor.diagnosis import ports, machine\n"
        "from ostiary.config.places import Instance\nfrom ostiary.config.schema import Configuration\n"
        "from pathlib import Path\ninstance = Instance(Path('/nonexistent'), Configuration(domain='a.b'))\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "print(ports.may_bind_low_ports(), [f.words for f in machine.check_privileges(instance)][0])"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    start = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    assert ("may not listen below port 1024" in said) is (start > 80)


def test_a_served_port_that_does_not_answer_is_named(home):
    from ostiary.supervisor.lock import InstanceLock

    instance = configured(home, f'[gateway]\naddress = "127.0.0.1"\nhttps_port = {free_port()}\nhttp_port = 0')
    lock = InstanceLock(instance.state)
    assert "Nobody answers on port" in only(ports.check_ports(instance)).words
    lock.release()


def test_devices_that_cannot_prove_themselves_are_named(home):
    direct, behind = configured(home), configured(home, "[gateway]\ntrusted_proxies = 1\n")
    assert list(machine.check_devices(behind)) == [], "nothing is to be said where there is no authority for devices"
    replace_file(direct.device_authorities, make_leaf("devices", authority=True).pem)
    laptop = device_fact("p-anna", [make_leaf("laptop")])
    for devices, level in (((), Level.OK), ((laptop,), Level.WARNING)):
        section = Devices(devices={one.id: one for one in devices})
        write_snapshot(direct.facts, msgspec.structs.replace(company(), devices=section), durable=False)
        assert [one.level for one in machine.check_devices(direct)] == [Level.OK]
        assert [one.level for one in machine.check_devices(behind)] == [level]


def test_too_few_open_files_are_named(home):
    instance = configured(home, "[gateway]\nmax_connections = 2000000000")
    assert "2000000000 connections need" in only([machine.check_limits(instance)], Level.WARNING).words


def test_a_clock_before_files_that_exist_is_named(home):
    instance = configured(home)
    finding = only(machine.check_clock(instance, time.time() - 86400))
    assert "before files that were already written" in finding.words
    assert not any(finding.is_problem for finding in machine.check_clock(instance, time.time()))


def test_a_full_disk_is_named(home):
    instance = configured(home, "[record]\nmin_free_mib = 2000000000")
    assert "every request is refused" in only(machine.check_disk(instance)).words


def test_a_path_too_long_for_sockets_is_named(home):
    deep = home / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    finding = only([machine.check_socket_paths(Instance(deep, configured(home).configuration))])
    assert "at most 107" in finding.words


def test_an_old_python_is_named():
    assert "too old" in only([machine.check_python((3, 10, 4))]).words


def test_a_name_that_leads_nowhere_is_named(home):
    finding = only(machine.check_names(configured(home), ["id.ostiary-does-not-exist.invalid"]))
    assert "cannot be found" in finding.words


def test_a_name_that_leads_elsewhere_is_named(home):
    assert (
        "which is not this machine" in only(machine.check_names(configured(home), ["192.0.2.77"]), Level.WARNING).words
    )
    assert [finding.level for finding in machine.check_names(configured(home), ["127.0.0.1"])] == [Level.OK]


def test_a_missing_secret_and_one_that_others_can_read_are_named(home):
    instance = configured(home)
    assert [finding.level for finding in belongings.check_secrets(instance)] == [Level.OK]
    (instance.secrets / "session.key").unlink()
    (instance.secrets / "audit.pem").chmod(0o644)
    words = [finding.words for finding in belongings.check_secrets(instance)]
    assert any("session.key cannot be read" in text for text in words)
    assert any("Others can read" in text for text in words)


def test_a_file_that_everybody_can_read_is_named(home):
    instance = configured(home)
    home.joinpath("ostiary.toml").chmod(0o600)
    for place in (instance.secrets, instance.state, instance.run, instance.logs):
        place.chmod(0o700)
    assert [finding.level for finding in belongings.check_permissions(instance)] == [Level.OK]
    instance.state.chmod(0o755)
    assert "Everybody on the machine can read" in only(belongings.check_permissions(instance), Level.WARNING).words


def write_certificate(folder: Path, host: str, days: float) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "chain.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return f'[tls]\nmode = "files"\ncertificate = "{folder / "chain.pem"}"\nkey = "{folder / "key.pem"}"'


@pytest.mark.parametrize(
    ("certificate", "level", "words"),
    [
        (("*.example.test", 90), Level.OK, "more days"),
        (("*.example.test", 3), Level.WARNING, "ends in 3 days"),
        (("*.example.test", -1), Level.PROBLEM, "ended on"),
        (("*.example.org", 90), Level.PROBLEM, "does not cover id.example.test"),
    ],
)
def test_a_certificate_is_read(home, tmp_path, certificate, level, words):
    host, days = certificate
    instance = configured(home, write_certificate(tmp_path, host, days + 0.1))
    [finding] = belongings.check_tls(instance)
    assert finding.level is level
    assert words in finding.words


def test_a_key_of_another_certificate_is_named(home, tmp_path):
    (tmp_path / "other").mkdir()
    toml = write_certificate(tmp_path, "*.example.test", 90)
    write_certificate(tmp_path / "other", "*.example.test", 90)
    (tmp_path / "other" / "key.pem").rename(tmp_path / "key.pem")
    assert "does not belong" in only(belongings.check_tls(configured(home, toml))).words


def test_a_certificate_that_is_none_is_named(home, tmp_path):
    toml = write_certificate(tmp_path, "*.example.test", 90)
    (tmp_path / "chain.pem").write_text("nothing of the kind")
    assert "no PEM" in only(belongings.check_tls(configured(home, toml))).words
    (tmp_path / "chain.pem").unlink()
    assert "cannot be read" in only(belongings.check_tls(configured(home, toml))).words


class Mailbox(socketserver.StreamRequestHandler):
    """Just enough SMTP to be signed in to, or not."""

    def handle(self) -> None:
        self.wfile.write(b"220 mail\r\n")
        for line in self.rfile:
            word = line.split()[0].upper() if line.split() else b""
            if word == b"EHLO":
                self.wfile.write(b"250-mail\r\n250 AUTH PLAIN\r\n")
            elif word == b"AUTH":
                self.wfile.write(b"535 no\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"250 ok\r\n")


@contextlib.contextmanager
def mailbox() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Mailbox) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_mail_server_is_tried(home, tmp_path):
    (tmp_path / "password").write_text("wrong\n")
    smtp = '[mail]\ntransport = "smtp"\nhost = "127.0.0.1"\nsecurity = "none"\n'
    with mailbox() as port:
        good = configured(home, f"{smtp}port = {port}")
        assert [finding.level for finding in belongings.check_mail(good)] == [Level.OK]
        bad = configured(home, f'{smtp}port = {port}\nusername = "u"\npassword_file = "{tmp_path / "password"}"')
        assert "535" in only(belongings.check_mail(bad)).words
    assert "cannot be used" in only(belongings.check_mail(good)).words
    assert "Messages are not sent" in only(belongings.check_mail(configured(home)), Level.WARNING).words


def test_a_data_plane_that_does_not_run_is_named(monkeypatch, tmp_path):
    broken = tmp_path / "envoy"
    monkeypatch.setattr(machine, "envoy_program", lambda: broken)
    assert "does not run" in only([machine.check_envoy()]).words
    broken.write_text("#!/bin/sh\necho no such library >&2\nexit 127\n")
    broken.chmod(0o755)
    assert "no such library" in only([machine.check_envoy()]).words


def test_a_database_that_does_not_answer_is_named():
    own = OwnInstance(database="postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=2")
    own.cli("init", "--domain", "localhost", "--secrets-only")
    (own.home / "ostiary.toml").write_text('domain = "localhost"\n[gateway]\nhttps_port = 18443\nhttp_port = 0\n')
    (own.home / "state").mkdir()
    (own.home / "run").mkdir()
    said = own.cli("doctor", code=5).stderr
    assert "The database does not answer" in said
    assert "correct database.url" in said
    own.remove()
