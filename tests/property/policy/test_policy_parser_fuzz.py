"""Whatever is written as rules is read or refused with `InvalidRules`; nothing else comes out."""

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.policy_cases import statements
from tests.policy_material import documents, text_of

from ostiary.policy.cedar.extra import ExtraCedar, read_extra
from ostiary.policy.compiled import CompiledRules
from ostiary.policy.rules.document import RulesDocument
from ostiary.policy.rules.parsed import read_parsed, write_parsed
from ostiary.policy.rules.problems import InvalidRules, Problem
from ostiary.policy.rules.reader import read_rules

FRAGMENTS = [
    "version: 1",
    "rules:",
    "- name: a",
    "allow:",
    "deny: anyone",
    "&a ",
    "*a",
    "!!python/object:os.system",
    "|",
    ">",
    "{",
    "}",
    "[",
    "]",
    ": ",
    "- ",
    "\n",
    "  ",
    "\t",
    "'",
    '"',
    "#",
    "%YAML 1.1\n",
    "---",
    "...",
    "<<: ",
    "\\u0000",
    "\x00",
    "﻿",
    "\x85",
    "when: {mfa: otp}",
    "hours: Mon-Fri 99:99-00:00 Mars/Olympus",
    "tests:\n",
    "never: ",
    "- {name: a, as: anyone, to: app:wiki, expect: deny}",
    "at: 2026-03-29 02:30 Europe/Berlin",
    "at: 0000-00-00 99:99 UTC",
    "expect: {deny: ",
    "mfa: [otp, {method: any, age: 999999999d}]",
    "from: fe80::1%eth0",
    "? ",
    "~",
    "1e999",
    "0o7",
]


def reads(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    document: RulesDocument | None = None
    try:
        document = read_rules(text)
    except InvalidRules as error:
        problems = error.problems
    assert all(problem.line >= 1 and problem.column >= 1 and problem.message for problem in problems)
    assert all(str(problem).isprintable() for problem in problems)
    if document is None:
        assert problems
        return
    assert read_parsed(text, write_parsed(text, document)) == document
    CompiledRules(document, ExtraCedar())


@given(st.text())
def test_any_text(text):
    reads(text)


@given(st.binary())
def test_any_bytes(data):
    reads(data.decode("utf-8", "surrogateescape"))


@given(st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=4)), max_size=30).map("".join))
def test_pieces_of_yaml(text):
    reads(text)


@given(documents, statements(), st.randoms(use_true_random=False), st.integers(1, 6))
def test_mutated_documents(document, said, chance: random.Random, times):
    text = text_of(document | said)
    for _ in range(times):
        at = chance.randrange(len(text))
        piece = chance.choice(["", chance.choice(FRAGMENTS), text[at : at + 20], chr(chance.randrange(0x110000))])
        text = text[:at] + piece + text[at + chance.randrange(2) :] or "x"
    reads(text)


@given(
    st.one_of(
        st.text(),
        st.lists(
            st.sampled_from(
                [
                    '@id("a")',
                    "permit",
                    "forbid",
                    "(principal, action, resource)",
                    "when {",
                    "}",
                    ";",
                    "context.mfa",
                    ">=",
                    "1",
                    "(",
                    "&&",
                    "like",
                    '"*"',
                    "Group::",
                    "?principal",
                    "\\u{0}",
                    "ip(",
                    "datetime(",
                ]
            ),
            max_size=20,
        ).map(" ".join),
    )
)
def test_any_cedar(text):
    with contextlib.suppress(InvalidRules):
        read_extra(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 50_000,
        "a: &a [x]\n" + "b: [*a,*a,*a,*a]\n" * 1000,
        "version: 1\nrules: [" + "{}," * 3_000 + "]",
        "x" * 5_000_000,
        "version: 1\nrules:\n" + "  - {name: a, allow: anyone, to: anything, do: any}\n" * 200,
        "version: 1\nrules:\n  - {name: a, allow: ["
        + ",".join(f"group:g{n}" for n in range(2000))
        + "], to: anything, do: any}",
        "\ud800",
        'a: "\\ud800"',
    ],
)
def test_bombs_are_refused(text):
    with pytest.raises(InvalidRules):
        read_rules(text)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "permit(principal,action,resource) when {" + "!" * 20_000 + "true};",
        "x" * 300_000,
        '@id("a") permit(principal,action,resource) when {' + " && ".join(["true"] * 5000) + "};",
    ],
)
def test_cedar_bombs_do_not_crash(text):
    with contextlib.suppress(InvalidRules):
        read_extra(text)


@pytest.mark.parametrize("unseen", ["\u200b", "\u0600", "\xad"])
def test_what_cannot_be_seen_is_written_out_in_suggestions_too(unseen):
    reads(f'{{"version": 1, "rules": [{{"name": "a", "allow": "anyone", "to": "app:wiki", "paths": "{unseen}/"}}]}}')
