"""The private authority, the gateway's certificate, and certificates of the operator's own."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from tests.instance import make_instance_home

from ostiary.config.loader import load_instance
from ostiary.config.places import Instance
from ostiary.config.schema import Tls
from ostiary.gateway.certificates import (
    UnusableCertificate,
    authority_file,
    ensure_authority,
    inline_certificate,
    install_certificate,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOSTS = ["id.example.test", "admin.example.test", "wiki.example.test"]


@pytest.fixture
def instance() -> Iterator[Instance]:
    import shutil

    home = make_instance_home()
    yield load_instance(home, {})
    shutil.rmtree(home)


def with_files(instance: Instance, certificate: Path, key: Path) -> Instance:
    tls = Tls(mode="files", certificate=str(certificate), key=str(key))
    configuration = msgspec.structs.replace(instance.configuration, tls=tls)
    return Instance(home=instance.home, configuration=configuration)


def served(instance: Instance) -> x509.Certificate:
    return x509.load_pem_x509_certificate(inline_certificate(instance)["certificate_chain"]["inline_string"].encode())


def names(certificate: x509.Certificate) -> list[str]:
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    )


def test_every_host_is_named(instance: Instance) -> None:
    status = install_certificate(instance, HOSTS, now=NOW)

    assert status.changed
    assert status.missing == ()
    assert status.problem(NOW) == ""
    assert sorted(names(served(instance))) == sorted(HOSTS)


def test_keys_are_for_the_service_alone(instance: Instance) -> None:
    install_certificate(instance, HOSTS, now=NOW)

    secret = [*instance.certificates.glob("*.key"), instance.envoy / "tls/certificate.json"]
    assert len(secret) == 3
    assert all(path.stat().st_mode & 0o077 == 0 for path in secret)


def test_openssl_believes_the_chain_and_the_bounds_of_the_authority(instance: Instance, tmp_path: Path) -> None:
    install_certificate(instance, HOSTS, now=datetime.now(UTC))
    verify = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(authority_file(instance))]
    leaf = instance.certificates / "gateway.pem"

    good = subprocess.run(
        [*verify, "-verify_hostname", "wiki.example.test", str(leaf)], capture_output=True, text=True, check=False
    )
    assert good.returncode == 0, good.stderr

    other = tmp_path / "ostiary.toml"
    other.write_text('domain = "other.test"\n')
    from ostiary.gateway import private_authority

    authority, key = ensure_authority(instance, now=datetime.now(UTC))
    stolen = private_authority._issue(authority, key, key, ["bank.test"], now=datetime.now(UTC))
    file = tmp_path / "stolen.pem"
    from cryptography.hazmat.primitives.serialization import Encoding

    file.write_bytes(stolen.public_bytes(Encoding.PEM))
    bad = subprocess.run([*verify, str(file)], capture_output=True, text=True, check=False)
    assert bad.returncode != 0
    assert "permitted subtree" in bad.stderr


def test_repeating_changes_nothing(instance: Instance) -> None:
    install_certificate(instance, HOSTS, now=NOW)
    before = inline_certificate(instance)

    assert not install_certificate(instance, reversed(HOSTS), now=NOW + timedelta(days=59)).changed
    assert inline_certificate(instance) == before


@pytest.mark.parametrize(
    ("hosts", "later"),
    [
        ([*HOSTS, "new.example.test"], timedelta()),
        (HOSTS[:2], timedelta()),
        (HOSTS, timedelta(days=61)),
        (HOSTS, timedelta(days=400)),
        (HOSTS, timedelta(days=-3)),
    ],
)
def test_it_is_issued_again_when_hosts_change_or_its_time_comes(
    instance: Instance, hosts: list[str], later: timedelta
) -> None:
    install_certificate(instance, HOSTS, now=NOW)
    authority = authority_file(instance).read_bytes()
    before = served(instance)

    assert install_certificate(instance, hosts, now=NOW + later).changed

    after = served(instance)
    assert sorted(names(after)) == sorted(hosts)
    assert after.serial_number != before.serial_number
    assert after.not_valid_before_utc <= NOW + later < after.not_valid_after_utc
    assert authority_file(instance).read_bytes() == authority, "people trust it; it stays"


def test_a_host_outside_the_domain_is_not_covered_and_said_so(instance: Instance) -> None:
    status = install_certificate(instance, [*HOSTS, "wiki.other.test"], now=NOW)

    assert status.missing == ("wiki.other.test",)
    assert "wiki.other.test" in status.problem(NOW)


@pytest.mark.parametrize("lost", ["authority.key", "authority.pem"])
def test_half_an_authority_is_not_replaced_in_silence(instance: Instance, lost: str) -> None:
    install_certificate(instance, HOSTS, now=NOW)
    (instance.certificates / lost).unlink()
    before = inline_certificate(instance)

    with pytest.raises(UnusableCertificate, match="cannot be read"):
        install_certificate(instance, HOSTS, now=NOW)
    assert inline_certificate(instance) == before


def test_a_lost_leaf_is_replaced(instance: Instance) -> None:
    install_certificate(instance, HOSTS, now=NOW)
    (instance.certificates / "gateway.key").write_bytes(b"")

    assert install_certificate(instance, HOSTS, now=NOW).changed


class TestOwnFiles:
    @pytest.fixture
    def pair(self, tmp_path: Path) -> tuple[Path, Path]:
        return make_pair(tmp_path, "*.example.test")

    def test_they_are_served_and_read_again_when_they_change(
        self, instance: Instance, pair: tuple[Path, Path], tmp_path: Path
    ) -> None:
        own = with_files(instance, *pair)
        now = datetime.now(UTC)
        assert install_certificate(own, HOSTS, now=now).changed
        assert not install_certificate(own, HOSTS, now=now).changed
        first = served(own)

        renewed = make_pair(tmp_path, "*.example.test")
        assert renewed == pair
        assert install_certificate(own, HOSTS, now=now).changed
        assert served(own).serial_number != first.serial_number
        assert not instance.certificates.exists(), "no private authority is made for nothing"

    def test_what_they_do_not_cover_is_said(self, instance: Instance, pair: tuple[Path, Path]) -> None:
        own = with_files(instance, *pair)

        status = install_certificate(own, [*HOSTS, "a.b.example.test", "example.test"], now=datetime.now(UTC))

        assert status.missing == ("a.b.example.test", "example.test")

    def test_their_end_is_announced(self, instance: Instance, pair: tuple[Path, Path]) -> None:
        status = install_certificate(with_files(instance, *pair), HOSTS, now=datetime.now(UTC))

        assert status.problem(datetime.now(UTC)) == ""
        assert "ends on" in status.problem(status.not_after - timedelta(days=10))
        assert "browsers refuse it" in status.problem(status.not_after)

    @pytest.mark.parametrize("fault", ["no file", "another key", "no certificate", "no key", "swapped"])
    def test_what_cannot_be_served_leaves_what_is(
        self, instance: Instance, pair: tuple[Path, Path], tmp_path: Path, fault: str
    ) -> None:
        own = with_files(instance, *pair)
        install_certificate(own, HOSTS, now=datetime.now(UTC))
        before = inline_certificate(own)
        certificate, key = pair
        other = tmp_path / "other"
        other.mkdir()
        _, other_key = make_pair(other, "*.example.test")
        match fault:
            case "no file":
                certificate.unlink()
            case "another key":
                key.write_bytes(other_key.read_bytes())
            case "no certificate":
                certificate.write_text("hello")
            case "no key":
                key.write_bytes(b"")
            case "swapped":
                own = with_files(instance, key, certificate)

        with pytest.raises(UnusableCertificate):
            install_certificate(own, HOSTS, now=datetime.now(UTC))
        assert inline_certificate(own) == before


def test_without_a_certificate_there_is_an_error_in_words(instance: Instance) -> None:
    with pytest.raises(UnusableCertificate, match="no certificate yet"):
        inline_certificate(instance)
    path = instance.envoy / "tls/certificate.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    with pytest.raises(UnusableCertificate):
        inline_certificate(instance)


def test_certificate_and_key_travel_in_one_file(instance: Instance) -> None:
    install_certificate(instance, HOSTS, now=NOW)

    content = json.loads((instance.envoy / "tls/certificate.json").read_bytes())
    assert [resource["name"] for resource in content["resources"]] == ["gateway"]
    assert content["resources"][0]["tls_certificate"].keys() == {"certificate_chain", "private_key"}


def make_pair(folder: Path, host: str) -> tuple[Path, Path]:
    certificate, key = folder / "own.pem", folder / "own.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-days", "90", "-subj", "/CN=own", "-addext", f"subjectAltName=DNS:{host}"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
