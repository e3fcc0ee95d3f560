"""Return paths stay on the host they are used on."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.domain.return_paths import UnsafeReturnPath, parse_return_path, return_path_or_start


@pytest.mark.parametrize(
    "path",
    ["/", "/a", "/a/b?c=d&e=%2F%0A", "/a%20b", "/~ada/x.html", "/a;b=c", "/?x=//evil.example", "/a[1]|b", "/@me"],
)
def test_plain_paths_are_taken_as_they_are(path: str) -> None:
    assert parse_return_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "a", "//evil.example", "///evil.example", "/\\evil.example", "\\/evil.example", "https://evil.example",
        "data:text/html,x", "/a b", "/\tb", "/a\n", "/%0d%0aX: y", "/%5cevil", "/%7f", "/a#b", "/é", "/\x00", "/%zz",
        '/"x"', "/<x>", "/" + "a" * 2048,
    ],
)  # fmt: skip
def test_anything_else_is_refused(path: str) -> None:
    with pytest.raises(UnsafeReturnPath):
        parse_return_path(path)
    assert return_path_or_start(path) == "/"


@given(st.text(alphabet=st.sampled_from(list("/\\?#@:;.%25cCfF09 \t\nehtpsvil")), max_size=40) | st.text(max_size=60))
def test_whatever_is_taken_leads_a_browser_to_the_same_host(text: str) -> None:
    path = return_path_or_start(text)
    for lenient in (path, path.replace("\\", "/"), path.strip()):
        assert urlsplit(urljoin("https://id.example.test/sign-in", lenient)).netloc == "id.example.test"
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
