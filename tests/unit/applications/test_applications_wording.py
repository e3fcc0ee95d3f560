"""What may be typed as an app's names, labels, methods and headers."""

import pytest

from ostiary.applications.domain import UnknownApp, UnusableApp, wording
from ostiary.errors import OstiaryError
from ostiary.policy.identifiers import MalformedIdentifier
from ostiary.policy.request import ActionClass


@pytest.mark.parametrize("text", ["wiki", "a", "0", "time-sheets", "a" * 63])
def test_identifiers(text: str) -> None:
    assert wording.parse_app_id(text) == text


@pytest.mark.parametrize(
    "text", ["", "Wiki", "-a", "a-", "a_b", "a.b", "a b", "wíki", "wiki\u200b", "wiki\n", "a" * 64, "'; drop", "ｗiki"]
)
def test_what_cannot_name_an_app(text: str) -> None:
    with pytest.raises(MalformedIdentifier):
        wording.parse_app_id(text)


@pytest.mark.parametrize("text", ["id", "admin", "console"])
def test_reserved_names(text: str) -> None:
    with pytest.raises(UnusableApp, match="reserved"):
        wording.parse_app_id(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [("wiki.example.com", "wiki.example.com"), ("WIKI.Example.COM", "wiki.example.com"), ("a.b", "a.b")],
)
def test_hosts(text: str, host: str) -> None:
    assert wording.parse_host(text, taken={}) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        "wiki",
        "wiki.example.com.",
        "wiki.example.com:443",
        "*.example.com",
        "a_b.example.com",
        "-a.example.com",
        "wiki..com",
        ".com",
        "10.0.0.5",
        "wíki.example.com",
        "a.b/c",
        "a b.com",
        "a" * 64 + ".com",
        "a." * 127 + "com",
    ],
)
def test_no_hosts(text: str) -> None:
    with pytest.raises(UnusableApp):
        wording.parse_host(text, taken={})


def test_a_taken_host_says_by_whom() -> None:
    with pytest.raises(UnusableApp, match="the app 'files'"):
        wording.parse_host("Wiki.example.com", taken={"wiki.example.com": "the app 'files'"})


def test_text_is_composed_and_trimmed() -> None:
    assert wording.parse_text("  Cafe\u0301 ", what="name", limit=4) == "Café"


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "a\u202eb", "a\u200bb", "a\u2028b", "abcde", "\ud800"])
def test_text_that_hides_something(text: str) -> None:
    with pytest.raises(UnusableApp):
        wording.parse_text(text, what="name", limit=4)


def test_required_text() -> None:
    with pytest.raises(UnusableApp, match="name is empty"):
        wording.parse_text("  ", what="name", limit=10, required=True)


def test_labels_are_sorted_and_once() -> None:
    assert wording.parse_labels(["b", "a", "b"]) == ("a", "b")
    with pytest.raises(MalformedIdentifier):
        wording.parse_labels(["A"])
    with pytest.raises(UnusableApp):
        wording.parse_labels([f"l{number}" for number in range(17)])


def test_methods() -> None:
    assert wording.parse_methods({"propfind": "view", "MKCOL": "edit"}) == {
        "MKCOL": ActionClass.EDIT,
        "PROPFIND": ActionClass.VIEW,
    }


@pytest.mark.parametrize(
    "methods", [{"": "view"}, {"A B": "view"}, {"GET\r\nX": "view"}, {"1GET": "view"}, {"É": "view"}]
)
def test_no_methods(methods: dict[str, str]) -> None:
    with pytest.raises(UnusableApp, match="not an HTTP method"):
        wording.parse_methods(methods)


def test_a_misspelt_action_is_corrected() -> None:
    with pytest.raises(UnusableApp) as error:
        wording.parse_methods({"PROPFIND": "veiw"})
    assert "Did you mean 'view'?" in error.value.hint


def test_identity_headers_are_stored_in_lower_case() -> None:
    assert wording.parse_identity_headers({"Remote-User": "email", "X-Groups": "groups"}) == {
        "remote-user": "email",
        "x-groups": "groups",
    }


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Cookie",
        "Connection",
        "Authorization",
        "Transfer-Encoding",
        "X-Ostiary-Assertion",
        "X-Ostiary-User",
        "X-Forwarded-For",
        "X-Forwarded-Proto",
        "X-Envoy-Internal",
        "X-Real-IP",
        "X-Request-Id",
        "X-HTTP-Method-Override",
        "X_User",
        "X-User\r\nY",
        "X-",
        "X-Üser",
        "X-" + "a" * 70,
        "",
        "X User",
        "X-User:",
    ],
)
def test_what_cannot_be_an_identity_header(name: str) -> None:
    with pytest.raises(UnusableApp):
        wording.parse_identity_headers({name: "email"})


def test_identity_headers_carry_known_facts_only() -> None:
    with pytest.raises(UnusableApp) as error:
        wording.parse_identity_headers({"X-User": "mail"})
    assert "Did you mean 'email'?" in error.value.hint
    with pytest.raises(UnusableApp):
        wording.parse_identity_headers({f"X-User-{number}": "email" for number in range(9)})


def test_an_unknown_app_comes_with_the_nearest() -> None:
    error = wording.unknown_app("wkii", ["wiki", "files"])
    assert isinstance(error, UnknownApp)
    assert error.hint == "Did you mean 'wiki'?"
    assert "app list" in wording.unknown_app("x" * 1000, ["wiki"]).hint
    assert len(str(wording.unknown_app("x" * 100_000, ["wiki"]))) < 200
    assert isinstance(error, OstiaryError)
