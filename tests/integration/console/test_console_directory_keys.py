"""Another directory's page: the addresses to enter there, and the keys by which it knows this instance, never their private half."""

from collections.abc import Iterator

import msgspec
import pytest
from django.conf import settings
from tests.console_company import OPERATOR, Company
from tests.console_fixtures import Visit, text_of

from ostiary.identity.facade import (
    ProviderId,
    change_provider,
    get_provider,
    list_client_keys,
    prepare_key,
)

pytestmark = pytest.mark.django_db
OFFICE = ProviderId("office")


@pytest.fixture(autouse=True)
def secrets_stay_as_they_are(company: Company) -> Iterator[None]:
    """The company's files are shared by every test."""
    del company
    secret = settings.INSTANCE.secrets / "directory-office.secret"
    content = secret.read_bytes()
    yield
    secret.write_bytes(content)
    secret.chmod(0o600)
    for path in settings.INSTANCE.secrets.glob("directory-office*.key"):
        path.unlink()


def test_the_page_shows_what_is_entered_there_and_nothing_private(visit: Visit) -> None:
    page = text_of(visit().get("/directories/office/"))
    for path in ("/sign-in/with/office/callback", "/sign-in/with/office/signed-out", "/oidc/back-channel/office"):
        assert path in page
    assert "a client secret" in page
    assert "Key set" not in page

    for _ in range(2):
        prepare_key(provider_id=OFFICE, actor=OPERATOR)
    changed = msgspec.structs.replace(get_provider(OFFICE), proves_by="key", signs_out=True)
    change_provider(provider=changed, secret=None, actor=OPERATOR)
    answer = visit().get("/directories/office/")
    page = text_of(answer)
    assert "/oidc/keys-for/office" in page
    assert "leads there, to sign out too" in page
    for key in list_client_keys(OFFICE):
        assert key.kid in page
        assert key.thumbprint in page
        assert key.certificate.splitlines()[1] in page
    assert "PRIVATE" not in answer.content.decode()
