"""The clauses of a document, proved before it is applied: one that is refuted stops it unless somebody says it is meant.

Proving is `policy.proof`'s. The solver is loaded only where a document has clauses.
"""

from typing import TYPE_CHECKING, Final

from ostiary.errors import OstiaryError
from ostiary.policy.rules.document import RulesDocument
from ostiary.policy.snapshot import Catalogue, Rules

if TYPE_CHECKING:
    from ostiary.policy.proof.facade import ClauseResult

PROOF_SECONDS: Final = 5.0
"""How long somebody who waits for a page waits for all of them; what is not decided by then is said to be open."""


class ClausesRefuted(OstiaryError):
    """A possible request contradicts a clause of the document, and nobody said that the rules are meant despite that."""


def prove_clauses(rules: Rules, read: RulesDocument, catalogue: Catalogue) -> "tuple[ClauseResult, ...]":
    """Return what is known about each clause; nothing for a document without any.

    Args:
        rules: the document with the Cedar text beside it.
        read: the document as read.
        catalogue: the apps that exist.
    """
    if not read.clauses:
        return ()
    from ostiary.policy.proof.facade import prove  # noqa: PLC0415 - loads the solver

    return prove(rules, catalogue, read.clauses, seconds=PROOF_SECONDS)


def refuse_refuted(refuted: "tuple[ClauseResult, ...]", *, despite: bool) -> None:
    """Return when no clause is refuted, or when the rules are meant despite those that are.

    Raises:
        ClausesRefuted: otherwise, with the first request that contradicts one.
    """
    if refuted and not despite:
        first = refuted[0]
        raise ClausesRefuted(
            f"The clause `{first.clause.rule.name}` does not hold: {first.words}",
            hint="Nothing was changed. See every clause: ostiary rules prove FILE",
        )


def note_refuted(refuted: "tuple[ClauseResult, ...]", comment: str) -> str:
    """Return the comment for the history, which begins with the clauses that do not hold, if any do not."""
    names = ", ".join(result.clause.rule.name for result in refuted)
    return f"Despite refuted clauses ({names}). {comment}".strip() if refuted else comment
