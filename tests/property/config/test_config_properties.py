"""The loader is total: whatever the file says, it is either a usable configuration or a message about it."""

import tomllib

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ostiary.config.document import commented_file
from ostiary.config.domain_name import NotADomain, parse_domain
from ostiary.config.keys import all_keys, tables, toml_value
from ostiary.config.loader import ConfigurationError, parse_configuration
from ostiary.config.schema import Configuration
from ostiary.config.validation import find_problems

scalars = st.one_of(
    st.text(max_size=20), st.integers(-(2**40), 2**40), st.booleans(), st.floats(), st.dates(), st.none()
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([key.name for key in all_keys()] + [table for table in tables() if table]) | st.text(
    max_size=10
)
files = st.dictionaries(names, anything | st.dictionaries(names, anything, max_size=4), max_size=5)


def outcome(text: str, environment: dict[str, str]) -> Configuration | str:
    """Return the configuration, or the message that refuses it; any other error is a failure."""
    try:
        return parse_configuration(text, environment)
    except ConfigurationError as error:
        return error.message


@given(files)
def test_values_without_a_problem_always_convert_and_others_are_named(values):
    problems = find_problems(values)
    if not problems:
        assert isinstance(msgspec.convert(values, Configuration), Configuration)
    for problem in problems:
        assert str(problem)
        assert len(str(problem)) < 1500


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_a_configuration_error(text):
    assert outcome(text, {})


@given(st.dictionaries(st.sampled_from([key.variable for key in all_keys()]), st.text(max_size=12), max_size=4))
def test_any_environment_is_a_configuration_or_a_configuration_error(environment):
    assert outcome('domain = "example.com"', environment)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_being_written_as_toml(text):
    assert tomllib.loads(f"key = {toml_value(text)}")["key"] == text


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\n\x00"), max_size=60))
def test_whatever_the_organisation_is_called_the_new_file_says_so(name):
    text = commented_file({"domain": "example.com", "organisation": name})
    assert parse_configuration(text, {}).organisation == name


@given(st.text(max_size=30) | st.from_regex(r"[a-zA-Zäöü0-9-]{1,10}\.[a-z]{2,6}", fullmatch=True))
def test_a_parsed_domain_is_a_fixed_point_and_safe_in_a_host(text):
    try:
        name = parse_domain(text)
    except NotADomain:
        return
    assert parse_domain(name) == name
    assert name == name.lower()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
