"""Each test of reviews has a firm of its own, whose people never sign in: their passwords cost nothing."""

from collections.abc import Iterator

import pytest
from django.test import override_settings
from tests.review_firm import Firm


@pytest.fixture
def firm() -> Iterator[Firm]:
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield Firm()
