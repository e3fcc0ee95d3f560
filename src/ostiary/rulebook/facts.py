"""What the rulebook tells the policy engine: section `rulebook` of the snapshot."""

from ostiary.policy.identifiers import PolicyVersion
from ostiary.policy.snapshot import Rules
from ostiary.rulebook.models import AppliedRulesRow


def read_rulebook() -> Rules:
    """Return the rules in force; rules that allow nobody when none were ever applied."""
    row = AppliedRulesRow.objects.first()
    if row is None:
        return Rules()
    return Rules(
        document=row.document,
        cedar=row.cedar,
        version=PolicyVersion(row.version),
        applied_at=row.applied_at.timestamp(),
        parsed=bytes(row.parsed),
    )
