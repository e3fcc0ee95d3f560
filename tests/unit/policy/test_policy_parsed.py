"""The parsed form stands for exactly one text in exactly one grammar."""

import msgspec

from ostiary.policy.rules import document as document_types
from ostiary.policy.rules import parsed as parsed_module
from ostiary.policy.rules.hours import Window
from ostiary.policy.rules.parsed import GRAMMAR, read_parsed, write_parsed
from ostiary.policy.rules.reader import read_rules

TEXT = "version: 1\nrules: [{name: a, deny: anyone, to: anything, when: {hours: 'Mon 01:00-02:00 UTC'}}]"

SHAPE_OF_GRAMMAR_1 = {
    "Countries": ("codes",),
    "DeviceFact": ("name", "value", "at_least"),
    "Hours": ("windows",),
    "Mfa": ("strength", "within_seconds"),
    "Networks": ("ranges",),
    "PathScope": ("path", "below"),
    "RiskBelow": ("limit",),
    "Rule": ("name", "effect", "who", "to", "do", "paths", "when", "unless", "require", "describe", "line"),
    "RulesDocument": ("rules", "statements"),
    "Statement": ("section", "text", "line"),
    "Target": ("kind", "name"),
    "Who": ("kind", "name"),
    "Window": ("days", "start", "end", "zone"),
}


def test_round_trip():
    document = read_rules(TEXT)
    assert read_parsed(TEXT, write_parsed(TEXT, document)) == document


def test_it_belongs_to_its_text():
    written = write_parsed(TEXT, read_rules(TEXT))
    assert read_parsed(TEXT + " ", written) is None
    assert read_parsed("", written) is None


def test_another_grammar_is_ignored(monkeypatch):
    written = write_parsed(TEXT, read_rules(TEXT))
    monkeypatch.setattr(parsed_module, "GRAMMAR", GRAMMAR + 1)
    assert read_parsed(TEXT, written) is None


def test_junk_is_ignored():
    written = write_parsed(TEXT, read_rules(TEXT))
    for junk in (b"", b"junk", written[:-1], written[:20] + b"\xff" + written[21:]):
        assert read_parsed(TEXT, junk) is None


def test_a_change_of_the_types_counts_the_grammar_up():
    types = [*vars(document_types).values(), Window]
    shapes = {
        one.__name__: one.__struct_fields__
        for one in types
        if isinstance(one, type) and issubclass(one, msgspec.Struct) and one is not msgspec.Struct
    }
    assert (GRAMMAR, shapes) == (1, SHAPE_OF_GRAMMAR_1), (
        "the types changed: count GRAMMAR up and write the new shape here"
    )
