"""What came of the tests of a rules document: for people, and as JUnit XML for whatever runs the checks.

Source: the JUnit XML that build servers read, as `windyroad/JUnit-Schema` and Jenkins describe it.
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO
from xml.etree import ElementTree as ET

from ostiary.cli.output import print_done, print_text
from ostiary.errors import OstiaryError

if TYPE_CHECKING:
    from ostiary.policy.testing import TestResult
    from ostiary.rulebook.facade import CheckReport

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class UnwritableResults(OstiaryError):
    """The file for the results cannot be written."""


def print_tests(results: "tuple[TestResult, ...]", place: str) -> None:
    """Print each test that failed with the reasons for the answer, and how many passed.

    Args:
        results: what came of every test.
        place: the file, for people to find the line.
    """
    failed = [one for one in results if not one.passed]
    for one in failed:
        print_text(f"{place}:{one.line}: test `{one.name}` fails: {one.expected} was expected; it was {one.answered}")
        for line in reasons(one):
            print_text(f"    {line}")
    if failed:
        print_text(f"{len(failed)} of {_counted(len(results))} {'fails' if len(failed) == 1 else 'fail'}.")
    elif results:
        print_done(f"{_counted(len(results))} {'passes' if len(results) == 1 else 'pass'}.")


def reasons(result: "TestResult") -> list[str]:
    """Return why a test was answered as it was, a line for each thing that was missing."""
    lines = [f"{condition.rule}: {condition.words}" for condition in result.unmet]
    return [result.hint, *lines] if result.hint else lines


def write_junit(to: Path | BinaryIO, report: "CheckReport", place: str) -> None:
    """Write a report as JUnit XML: one case for each test; one error for each problem that keeps tests from being run.

    Args:
        to: where to; a file that is there is replaced.
        report: a check of rules.
        place: the file that was checked.

    Raises:
        UnwritableResults: when the file cannot be written.
    """
    failed, problems = len(report.failures), len(report.problems)
    counts = {"tests": str(len(report.tests) + problems), "failures": str(failed), "errors": str(problems)}
    root = ET.Element("testsuites", counts)
    suite = ET.SubElement(root, "testsuite", {"name": _xml(place), **counts, "skipped": "0", "time": "0"})
    for problem in report.problems:
        case = _case(suite, "document", problem.file if problem.file != "rules" else place, problem.line)
        said = f"{problem.message} ({problem.hint})" if problem.hint else problem.message
        ET.SubElement(case, "error", {"message": _xml(said), "type": "problem"}).text = _xml(str(problem))
    for result in report.tests:
        case = _case(suite, result.name, place, result.line)
        if not result.passed:
            said = f"{result.expected} was expected; it was {result.answered}"
            failure = ET.SubElement(case, "failure", {"message": _xml(said), "type": "answer"})
            failure.text = _xml("\n".join([said, *reasons(result)]))
    ET.indent(root)
    try:
        ET.ElementTree(root).write(to, encoding="utf-8", xml_declaration=True)
    except OSError as error:
        raise UnwritableResults(f"{to} cannot be written ({error.strerror}).") from None


def _case(suite: ET.Element, name: str, place: str, line: int) -> ET.Element:
    facts = {"name": _xml(name), "classname": "rules", "file": _xml(place), "line": str(line), "time": "0"}
    return ET.SubElement(suite, "testcase", facts)


def _counted(count: int) -> str:
    return "1 test" if count == 1 else f"{count} tests"


def _xml(text: str) -> str:
    """Return `text` without the characters that XML 1.0 cannot hold."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
