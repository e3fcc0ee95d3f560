"""The rules that a new instance begins with."""

INITIAL_RULES = """\
version: 1

# Who may do what. Nothing is allowed unless a rule allows it; a rule that denies outweighs all that allow.
# The grammar is explained in docs/reference/rules.md. Check a change before applying it: ostiary rules check FILE

rules:
  - name: administrators-reach-the-console
    describe: Without this rule the console is closed to everyone.
    allow: group:administrators
    to: app:console
    do: any
    when:
      mfa: phishing-resistant
"""


def initial_rules() -> str:
    """Return the document: administrators reach the console with a passkey, and nobody reaches anything else."""
    return INITIAL_RULES
