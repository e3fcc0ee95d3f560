"""Rules whose own tests fail: refused, unless somebody says that they are meant anyway, which then stands in the history."""

from ostiary.errors import OstiaryError
from ostiary.rulebook.domain import CheckReport

MAX_NAMES = 5


class TestsFail(OstiaryError):
    """Tests of the document do not pass, and nobody said that the rules are meant despite that."""

    __test__ = False


def refuse_failing(report: CheckReport, *, despite_failing_tests: bool) -> None:
    """Return when the rules' tests pass, or when they are meant despite those that fail.

    Raises:
        TestsFail: otherwise, with their names.
    """
    if report.failures and not despite_failing_tests:
        count = len(report.failures)
        raise TestsFail(
            f"{count} of the {len(report.tests)} tests in the document {'fails' if count == 1 else 'fail'}: {_names(report)}.",
            hint="Nothing was changed. See why: ostiary rules check FILE",
        )


def note_failing(report: CheckReport, comment: str) -> str:
    """Return the comment for the history, which begins with the tests that fail, if any do."""
    return f"Despite failing tests ({_names(report)}). {comment}".strip() if report.failures else comment


def _names(report: CheckReport) -> str:
    names = [one.name for one in report.failures]
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ", ".join(names[:MAX_NAMES]) + more
