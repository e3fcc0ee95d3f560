"""What the loader accepts, refuses and says."""

import pytest

from ostiary.config.document import commented_file
from ostiary.config.keys import Value, all_keys
from ostiary.config.loader import ConfigurationError, load_instance, parse_configuration
from ostiary.config.validation import find_problems


def refusal(text: str, **environment: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        parse_configuration(text, environment)
    return str(caught.value)


def test_a_domain_is_all_that_is_needed():
    configuration = parse_configuration('domain = "Example.COM"', {})
    assert configuration.domain == "example.com"
    assert configuration.sign_in.require_second_factor
    assert configuration.gateway.https_port == 443


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("localhost", "localhost"),
        ("demo.localhost", "demo.localhost"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("例え.jp", "xn--r8jz45g.jp"),
        ("office.internal", "office.internal"),
    ],
)
def test_a_domain_has_one_spelling(written, kept):
    assert parse_configuration(f'domain = "{written}"', {}).domain == kept


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("https://example.com", "leave out the part before ://"),
        ("example.com:8443", "leave out the port"),
        ("example.com/x", "leave out the path"),
        ("10.0.0.1", "IP address"),
        ("[::1]", "IP address"),
        ("1.2.3.4.5", "IP address"),
        ("office", "office.internal"),
        ("", "has a dot"),
        ("exa mple.com", "cannot stand in a domain"),
        ("-a.com", "cannot stand in a domain"),
        ("example..com", "cannot stand in a domain"),
        ("example.com.", "cannot stand in a domain"),
        ("a_b.com", "cannot stand in a domain"),
        ("*.example.com", "cannot stand in a domain"),
        (".".join(["a" * 50] * 4), "leave room"),
        ("xn--.\u200d.example", "domain"),
    ],
)
def test_what_is_no_domain_is_refused_with_what_to_write(written, words):
    assert words in refusal(f'domain = "{written}"')


def test_an_unknown_key_names_its_table_and_the_right_spelling():
    text = refusal('domain = "a.b"\n[gateway]\nhtps_port = 1')
    assert "gateway.htps_port" in text
    assert "Did you mean https_port?" in text


def test_an_unknown_table_is_named():
    assert "Did you mean gateway?" in refusal('domain = "a.b"\n[gatway]\nhttps_port = 1')


def test_a_key_in_the_wrong_table_is_told_where_it_stands():
    assert "https_port stands below [gateway]" in refusal('domain = "a.b"\nhttps_port = 1')
    assert "at the top of the file" in refusal('[tls]\ndomain = "a.b"')


def test_an_unknown_key_near_nothing_lists_what_there_is():
    assert "[tls] knows mode, certificate, key" in refusal('domain = "a.b"\n[tls]\nzzzz = 1')


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('[gateway]\nhttps_port = "8443"', 'gateway.https_port: is "8443"; it must be a whole number from 1 to 65535'),
        ("[gateway]\nhttps_port = 0", "it must be a whole number from 1 to 65535"),
        ("[gateway]\nhttps_port = 70000", "it must be a whole number from 1 to 65535"),
        ("[gateway]\nhttp_port = -1", "it must be a whole number from 0 to 65535"),
        ("[gateway]\nhttps_port = true", "it must be a whole number"),
        ("[gateway]\nhttps_port = 1.5", "gateway.https_port: is 1.5"),
        ("[sign_in]\nrequire_second_factor = 1", "it must be true or false"),
        ("[sign_in]\nsession_hours = 0", "a whole number from 1"),
        ('[tls]\nmode = "file"', 'Did you mean files? For instance: mode = "files"'),
        ('[mail]\nhost = ["a"]', "is a list; it must be text in quotes"),
        ('[mail]\nhost = "a\\nb"', "Write it on one line"),
        ('[mail]\nhost = "a\\u0000b"', "Write it on one line"),
        ("tls = 3", "is a table. Write [tls]"),
        ("organisation = 1979-05-27", "organisation: is 1979-05-27; it must be text"),
    ],
)
def test_a_wrong_value_says_what_to_write_instead(line, words):
    assert words in refusal(f'domain = "a.b"\n{line}')


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('[gateway]\naddress = "everywhere"', "no IP address"),
        ("[gateway]\nhttp_port = 443", "the same as gateway.https_port"),
        ('[tls]\nmode = "files"\ncertificate = "/a"', "tls.key"),
        ('[mail]\ntransport = "smtp"', "mail.host"),
        ("[authzen]\nenabled = true", "nothing serves it"),
        ("[authzen]\non_gateway = true", "no effect while authzen.enabled is false"),
        ('[database]\nurl = "mysql://x/y"', "starts with 'mysql'"),
        ('[database]\nurl = "postgresql://host:x/y"', "cannot be read"),
        ('[database]\nurl = "postgresql://host"', "names no database"),
        ('[sign_in]\nbreached_range_url = "http://x"', "https://"),
        ('[sign_in]\nbreached_range_url = "https://["', "https://"),
        ('[rules]\nfollow = "http://git.example.com/x"', "must be a folder, or an https: or ssh: address"),
        ('[rules]\nfollow = "git://git.example.com/x"', "must be a folder, or an https: or ssh: address"),
        ('[rules]\nfollow = "ext::sh -c id"', "must be a folder, or an https: or ssh: address"),
        ('[rules]\nfollow = "https://["', "is no address"),
        ('[rules]\nfollow = "https://u:geheim@h/x"', "rules.follow: holds a password"),
        ('[rules]\nfollow = "ssh://u@h/x"\nfollow_token = "t"', "is only sent to an https: address"),
    ],
)
def test_values_that_cannot_work_together_are_refused(line, words):
    assert words in refusal(f'domain = "a.b"\n{line}')


def test_the_password_in_a_database_url_is_never_repeated():
    assert "geheim" not in refusal('domain = "a.b"\n[database]\nurl = "mysql://u:geheim@h/n"')


def test_the_password_in_a_repositorys_address_is_never_repeated():
    for scheme in ("https", "ssh", "git"):
        assert "geheim" not in refusal(f'domain = "a.b"\n[rules]\nfollow = "{scheme}://u:geheim@h/n"')


@pytest.mark.parametrize(
    "address",
    ["/srv/rules.git", "git@h:ops/rules.git", "git@[::1]:x", "ssh://git@h:22/x", "https://u@h/x", "file:///x"],
)
def test_every_way_to_name_a_repository_is_taken(address):
    assert find_problems({"domain": "a.b", "rules": {"follow": address}}) == []


def test_every_problem_is_reported_at_once():
    text = refusal('[gateway]\nhtps_port = 1\nworkers = "x"')
    assert "3 problems" in text
    assert all(words in text for words in ("htps_port", "gateway.workers", "domain: is missing"))


def test_a_file_that_is_no_toml_is_refused_with_the_line():
    assert "line 2" in refusal('domain = "a.b"\norganisation = Example')


def test_a_missing_file_names_the_command_that_makes_one(tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        load_instance(tmp_path, {})
    assert "init --domain" in caught.value.hint


def test_a_file_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "ostiary.toml").write_bytes('domain = "bücher.example"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="not UTF-8"):
        load_instance(tmp_path, {})


def test_the_environment_overrides_every_type():
    configuration = parse_configuration(
        'domain = "a.b"\n[gateway]\nhttps_port = 1',
        {
            "OSTIARY_GATEWAY__HTTPS_PORT": "8443",
            "OSTIARY_SIGN_IN__REQUIRE_SECOND_FACTOR": "no",
            "OSTIARY_DOMAIN": "c.d",
            "OSTIARY_DATABASE_URL": "postgresql://u:p@h/n",
            "OSTIARY_HOME": "/somewhere",
            "PATH": "/bin",
        },
    )
    assert configuration.gateway.https_port == 8443
    assert not configuration.sign_in.require_second_factor
    assert configuration.domain == "c.d"
    assert configuration.database.url == "postgresql://u:p@h/n"


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("OSTIARY_GATEWAY__HTPS_PORT", "1", "Did you mean OSTIARY_GATEWAY__HTTPS_PORT?"),
        ("OSTIARY_GATEWAY__HTTPS_PORT", "many", "whole number"),
        ("OSTIARY_SIGN_IN__REQUIRE_SECOND_FACTOR", "maybe", "true or false"),
        ("OSTIARY_GATEWAY__HTTPS_PORT", "99999", "65535"),
    ],
)
def test_an_override_that_cannot_be_used_stops_the_start(variable, value, words):
    assert words in refusal('domain = "a.b"', **{variable: value})


def test_the_commented_file_is_complete_and_can_be_read_back():
    chosen: dict[str, Value] = {
        "domain": "example.com",
        "organisation": 'O"Hara & \\ Söhne',
        "gateway.https_port": 8443,
    }
    text = commented_file(chosen)
    configuration = parse_configuration(text, {})
    assert configuration.organisation == 'O"Hara & \\ Söhne'
    assert configuration.gateway.https_port == 8443
    uncommented = "\n".join(
        line.removeprefix("# ") if any(line.startswith(f"# {key.name} = ") for key in all_keys()) else line
        for line in text.splitlines()
    )
    assert parse_configuration(uncommented, {}) == configuration


def test_every_key_is_explained():
    assert [key.path for key in all_keys() if len(key.words) < 10] == []
