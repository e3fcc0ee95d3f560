"""The rules document as types: its rules, and what it says about them. Reading the text lives in `reader`."""

import msgspec

from ostiary.policy.rules.rule import (
    Condition,
    Countries,
    DeviceFact,
    Effect,
    Hours,
    Mfa,
    Networks,
    PathScope,
    RiskBelow,
    Rule,
    Target,
    TargetKind,
    Who,
    WhoKind,
)
from ostiary.policy.rules.statements import Clause, ClauseKind, Expectation, TestCase

__all__ = [
    "Clause",
    "ClauseKind",
    "Condition",
    "Countries",
    "DeviceFact",
    "Effect",
    "Expectation",
    "Hours",
    "Mfa",
    "Networks",
    "PathScope",
    "RiskBelow",
    "Rule",
    "RulesDocument",
    "Target",
    "TargetKind",
    "TestCase",
    "Who",
    "WhoKind",
]


class RulesDocument(msgspec.Struct, frozen=True):
    """A whole valid document.

    Args:
        rules: what may happen.
        tests: single requests and the answers that the rules must give to them.
        clauses: what the rules must hold for every possible request.
    """

    rules: tuple[Rule, ...] = ()
    tests: tuple[TestCase, ...] = ()
    clauses: tuple[Clause, ...] = ()
