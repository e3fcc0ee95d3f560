"""What stands as an event's message: one English sentence that says who did what to whom, and why. Pure.

Pages and other systems show it as it is; what is counted and searched are the event's fields, never these words.
"""

from typing import Final

_ACCOUNT: Final = {
    "create": "created the account of {target}",
    "enable": "enabled {target}",
    "password_change": "changed the password of {target}",
    "password_reset": "reset the sign-in of {target}",
    "disable": "disabled {target}",
    "delete": "deleted the account of {target}",
    "rename": "renamed {target}",
    "invite": "invited {target}",
    "lock": "locked {target}",
    "unlock": "unlocked {target}",
    "mfa_enable": "set up an authenticator of {target}",
    "mfa_disable": "removed an authenticator of {target}",
    "update": "changed the account of {target}",
    "recover": "recovered the administrator {target} on the machine itself",
}
_GROUP: Final = {
    "create": "created the group {group}",
    "delete": "deleted the group {group}",
    "rename": "renamed the group {group}",
    "add_member": "put {target} into {group}",
    "remove_member": "took {target} out of {group}",
    "set_owner": "changed who answers for {group}",
}
_ENTITY: Final = {
    "create": "added",
    "read": "took a copy of",
    "update": "changed",
    "delete": "removed",
    "enable": "enabled",
    "disable": "disabled",
}


def sentence(who: str, what: str, why: str = "") -> str:
    """Return a sentence, with the reason in brackets where there is one and it says more than the sentence does."""
    words = why.replace("_", " ") if why.isascii() and why.replace("_", "").islower() and " " not in why else why
    return f"{who} {what} ({words})" if words and words not in what else f"{who} {what}"


def account_sentence(*, who: str, change: str, target: str, why: str) -> str:
    """Return what happened to an account; a change that is not known here is named as it is."""
    words = _ACCOUNT.get(change, f"{change.replace('_', ' ')}: {{target}}")
    return sentence(who, words.format(target="their own account" if who == target else target), why)


def group_sentence(*, who: str, change: str, group: str, target: str, why: str) -> str:
    """Return what happened to a group or to who belongs to it."""
    words = _GROUP.get(change, f"{change.replace('_', ' ')}: {{target}} {{group}}")
    return sentence(who, words.format(target=target, group=group), why)


def entity_sentence(*, who: str, change: str, kind: str, name: str, why: str) -> str:
    """Return what happened to an app, the rules, a setting or another thing."""
    thing = name if name.startswith(kind) else f"{kind} {name}"
    return sentence(who, f"{_ENTITY.get(change, change)} {thing}", why)
