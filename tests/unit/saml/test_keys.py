"""The key that signs assertions: made once, read by its owner alone, changed in two steps."""

from pathlib import Path

import pytest

from ostiary.config.secrets import MissingSecret
from ostiary.saml import keys


def test_the_key_is_made_once_and_changes_in_two_steps(tmp_path: Path) -> None:
    first = keys.signing_key(tmp_path)
    file = tmp_path / keys.KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert keys.signing_key(tmp_path).certificate == first.certificate
    assert len(keys.published_certificates(tmp_path)) == 1
    with pytest.raises(keys.NoNextKey):
        keys.change_to_next(tmp_path)
    with pytest.raises(keys.NoNextKey):
        keys.abandon_next(tmp_path)
    coming = keys.prepare_next(tmp_path)
    with pytest.raises(keys.NextKeyExists):
        keys.prepare_next(tmp_path)
    assert len(keys.published_certificates(tmp_path)) == 2
    assert keys.signing_key(tmp_path).certificate == first.certificate, "nothing is signed with the next one yet"
    assert keys.change_to_next(tmp_path).certificate == coming.certificate
    assert keys.signing_key(tmp_path).certificate == coming.certificate
    assert [one.name for one in tmp_path.iterdir()] == [keys.KEY_FILE], "no draft is left"


def test_a_damaged_key_is_not_replaced_in_silence(tmp_path: Path) -> None:
    file = tmp_path / keys.KEY_FILE
    for content in (b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"):
        file.write_bytes(content)
        file.chmod(0o600)
        with pytest.raises(MissingSecret):
            keys.signing_key(tmp_path)
        assert file.read_bytes() == content
    file.chmod(0o644)
    with pytest.raises(MissingSecret, match="Others can read"):
        keys.signing_key(tmp_path)
