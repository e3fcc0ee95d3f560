"""The sample company is one that the product accepts."""

import pytest
from zxcvbn import zxcvbn

from ostiary.demo.company import APPS, GROUPS, sample_people
from ostiary.demo.populate import RULES_FILE
from ostiary.demo.words import WORDS, new_passphrase
from ostiary.identity.domain import BUILTIN_GROUPS
from ostiary.policy.rules.reader import read_rules
from ostiary.policy.rules.selector_reader import Known

BUILTIN = {str(getattr(group, "id", group)) for group in BUILTIN_GROUPS}


def test_it_is_as_large_as_promised():
    people = sample_people()
    assert len(people) == 40
    assert len({person.email for person in people}) == 40
    assert len(GROUPS) == 6
    assert len(APPS) == 7
    assert len({app.port for app in APPS}) == 7


def test_addresses_are_plain_and_lead_nowhere():
    for person in sample_people():
        assert person.email.isascii()
        assert person.email.endswith(".example")


def test_everybody_is_in_groups_that_exist():
    for person in sample_people():
        assert person.groups
        assert set(person.groups) <= set(GROUPS) | BUILTIN


def test_its_rules_name_only_what_exists():
    known = Known(groups=frozenset(GROUPS) | frozenset(BUILTIN), apps=frozenset(app.id for app in APPS) | {"console"})
    document = read_rules(RULES_FILE.read_text(), known)
    assert {target.name for rule in document.rules for target in rule.to if target.kind == "label"} == {"restricted"}
    assert len(document.rules) >= 8


@pytest.mark.parametrize("_", range(20))
def test_passphrases_are_accepted_by_the_products_own_measure(_):
    passphrase = new_passphrase()
    assert len(passphrase) >= 12
    assert zxcvbn(passphrase)["score"] == 4


def test_there_are_enough_words_to_choose_from():
    assert len(set(WORDS)) == len(WORDS)
    assert len(WORDS) >= 128
