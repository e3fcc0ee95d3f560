"""What the rulebook tells the policy engine: section `rulebook` of the snapshot."""

from ostiary.policy.identifiers import PolicyVersion
from ostiary.policy.snapshot import Rules
from ostiary.rulebook.models import AppliedRulesRow


def read_rulebook() -> Rules:
    """Return the rules in force; rules that allow nobody when none were ever applied."""
    row = AppliedRulesRow.objects.first()
    return Rules() if row is None else _rules_of(row)


def read_rules_of_version(version: PolicyVersion) -> tuple[int, Rules] | None:
    """Return the rules that were last applied under a version, with their number; `None` when there are none."""
    row = AppliedRulesRow.objects.filter(version=version).first()
    return None if row is None else (row.number, _rules_of(row))


def _rules_of(row: AppliedRulesRow) -> Rules:
    return Rules(
        document=row.document,
        cedar=row.cedar,
        version=PolicyVersion(row.version),
        applied_at=row.applied_at.timestamp(),
        parsed=bytes(row.parsed),
    )
