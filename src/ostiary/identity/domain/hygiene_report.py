"""How everybody stands, flat, for auditors' spreadsheets. Pure."""

from datetime import UTC, datetime

from ostiary.identity.domain.authenticator_policy import Factor, Standing

Cell = str | int | bool | None


def hygiene_row(standing: Standing) -> dict[str, Cell]:
    """Return one line of the report; moments are written as in ISO 8601, UTC, and left empty where there is none."""
    person, exemption = standing.person, standing.exemption
    factors = {kind: [one for one in standing.factors if one.kind == kind] for kind in _KINDS}
    met = "exempt" if exemption else "not met" if standing.unmet else "met"
    return {
        "email": person.email,
        "name": person.name,
        "active": person.active,
        "groups": " ".join(person.groups),
        "last_sign_in_at": _moment(person.last_sign_in_at),
        "policy": met,
        "missing": " ".join(one.value for one in standing.unmet),
        "due_at": _moment(standing.due_at or None),
        "password": bool(factors["password"]),
        "password_set_at": _moment(factors["password"][0].created_at if factors["password"] else None),
        "password_breached_at": _moment(standing.breached_at),
        "passkeys": _factors(factors["webauthn"]),
        "authenticator_app": _factors(factors["totp"]),
        "recovery_codes_left": sum(one.left or 0 for one in factors["recovery_codes"]),
        "directories": " | ".join(standing.directories),
        "second_factor_elsewhere": standing.elsewhere.name.lower().replace("_", "-") if standing.elsewhere else "",
        "exempt_because": exemption.reason if exemption else "",
        "exempt_by": exemption.granted_by if exemption else "",
        "exempt_until": _moment(exemption.ends_at if exemption else None),
        "told_at": _moment(standing.nudged_at),
    }


_KINDS = ("password", "webauthn", "totp", "recovery_codes")


def _factors(factors: list[Factor]) -> str:
    """Return what somebody has of one kind: its name, since when, and when it was last used."""
    return " | ".join(
        " ".join(
            filter(None, (one.name, f"since {_moment(one.created_at)}", f"used {_moment(one.last_used_at) or 'never'}"))
        )
        for one in factors
    )


def _moment(at: float | None) -> str:
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
