"""The rules that a new instance begins with."""

INITIAL_RULES = """\
version: 1

# Who may do what. Nothing is allowed unless a rule allows it; a rule that denies outweighs all that allow.
# The grammar is explained in docs/reference/rules.md. Check a change before applying it: ostiary rules check FILE

rules:
  - name: console-with-a-passkey
    describe: Without this rule the console is closed to everyone. What each may do in it depends on the group.
    allow: [group:administrators, group:auditors, group:helpdesk]
    to: app:console
    do: any
    when:
      mfa: phishing-resistant
"""


def initial_rules() -> str:
    """Return the document: whoever has a part in the console reaches it with a passkey, and nobody anything else."""
    return INITIAL_RULES
