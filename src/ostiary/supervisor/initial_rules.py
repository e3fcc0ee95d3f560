"""The rules a new instance begins with: enough to reach the console, and nothing else. Needs Django."""

from ostiary.rulebook.facade import apply_rules, get_current
from ostiary.visibility.facade import Actor

INITIAL_RULES = """\
version: 1

# Who may do what. A request passes when a rule allows it and none denies it.
# The grammar: docs/reference/rules.md. Check a change with `ostiary rules check`.
rules:
  - name: console
    describe: Those who look after this instance reach its console, with a passkey or security key.
    allow: [group:administrators, group:auditors, group:helpdesk]
    to: app:console
    do: any
    when:
      mfa: phishing-resistant
"""


def ensure_rules() -> bool:
    """Apply the initial rules where none were ever applied; return whether they were."""
    if get_current().version:
        return False
    actor = Actor(kind="system", id="start", label="the first start")
    apply_rules(document=INITIAL_RULES, comment="What a new instance begins with", actor=actor)
    return True
