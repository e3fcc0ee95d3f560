"""What people prove, and with what; what they ask for and are asked about."""

from typing import Annotated, Literal

from msgspec import Meta

from ostiary.config.section import Positive, Section


class SignIn(Section, frozen=True, kw_only=True):
    """What people must prove.

    Args:
        require_second_factor: everybody needs one; switching it off is shown on the status page.
        session_hours: absolute life of a sign-in.
        idle_minutes: a sign-in that is not used for so long ends.
        invitation_days: how long an invitation link works.
        dormant_days: without a sign-in for so long, an account counts as dormant.
        breached_passwords: a local file of SHA-1 digests of breached passwords, sorted; besides the built-in list.
        breached_range_url: a k-anonymity range service; empty asks nobody.
    """

    require_second_factor: bool = True
    session_hours: Positive = 12
    idle_minutes: Positive = 240
    invitation_days: Positive = 7
    dormant_days: Positive = 45
    breached_passwords: str = ""
    breached_range_url: str = ""


class Authenticators(Section, frozen=True, kw_only=True):
    """What everybody is to have set up, and from when. Who has not is listed, told by mail and on their own pages.

    Args:
        second_factors: how many passkeys and authenticator apps everybody is to have together; 0 asks for none.
        passkey_groups: groups, separated by commas, whose members are to have a passkey; administrators always are.
        recovery_codes: who has a second factor is to have recovery codes that are not used up.
        due: the day from which this counts, written 2027-03-31; empty counts from now.
        exempt_group: a group whose members are asked for none of this; its memberships say who agreed, why and until when.
        breached_days: a password found in a breach is to be replaced within so many days.
        nudge_days: who does not meet this is told by mail every so many days, seven at least; 0 tells nobody.
    """

    second_factors: Annotated[int, Meta(ge=0, le=5)] = 1
    passkey_groups: str = ""
    recovery_codes: bool = False
    due: str = ""
    exempt_group: str = ""
    breached_days: Annotated[int, Meta(ge=0, le=365)] = 7
    nudge_days: Annotated[int, Meta(ge=0, le=90)] = 7


class Devices(Section, frozen=True, kw_only=True):
    """Computers that prove by a key of their own which they are; rules ask for one with `device: {managed: true}`.

    Args:
        enabled: whether devices can be enrolled, and are asked for their certificate; switched off, every device is unknown.
        approval: who lets a device in: `administrator` after the person it belongs to confirmed it; `person` takes their word
            where computer and person are on the same network, and asks an administrator otherwise.
        max_per_person: how many devices one person may have.
        facts_minutes: for how long a rule relies on what a device said of itself; its agent says it every five minutes.
        brake_percent: what would make more than this share of the devices not compliant at once, and more than three, is held: a change
            until somebody says the number, and what devices report for an hour, with the administrators told.
        management_authority: a file (PEM) with the authority that vouches for device management elsewhere (`ostiary mdm`), besides
            those the system trusts.
        tpm: which keys are taken at enrolment. `optional`: in a file or in a security chip (TPM 2.0), and where is on record;
            `verified`: only in a TPM whose maker's certificate stands in `state/certificates/tpm-vendors`.
    """

    enabled: bool = True
    approval: Literal["administrator", "person"] = "administrator"
    max_per_person: Annotated[int, Meta(ge=1, le=1000)] = 10
    facts_minutes: Annotated[int, Meta(ge=10, le=7 * 24 * 60)] = 60
    brake_percent: Annotated[int, Meta(ge=0, le=100)] = 20
    management_authority: str = ""
    tpm: Literal["optional", "verified"] = "optional"


class Access(Section, frozen=True, kw_only=True):
    """Access that people ask for, and that ends by itself.

    Args:
        requests: people may ask for access, on the page that refuses them and in the portal.
        longest_hours: the longest time that can be asked for.
        answer_hours: a request lapses when nobody answers it for so long; after half of it administrators may answer as well.
        emergency_group: whose members may use emergency access, at once and without being asked; empty for nobody.
        emergency_minutes: how long emergency access lasts. It cannot be prolonged.
        review_days: somebody else has to review each emergency access within this time.
        administrator_minutes: for how long somebody who may becomes an administrator.
        administrator_approval: `none` lets them by their passkey alone; `administrator` has somebody else, who is or may
            become one, agree each time.
    """

    requests: bool = True
    longest_hours: Annotated[int, Meta(ge=1, le=8760)] = 168
    answer_hours: Annotated[int, Meta(ge=1, le=8760)] = 72
    emergency_group: Annotated[str, Meta(max_length=63)] = ""
    emergency_minutes: Annotated[int, Meta(ge=5, le=1440)] = 60
    review_days: Annotated[int, Meta(ge=1, le=90)] = 3
    administrator_minutes: Annotated[int, Meta(ge=5, le=1440)] = 60
    administrator_approval: Literal["none", "administrator"] = "none"


class Reviews(Section, frozen=True, kw_only=True):
    """Access reviews: who holds what is looked at by whoever answers for it.

    Args:
        every: `quarter` starts a review by itself in each quarter of the year, in UTC, the first one when it is switched on;
            `never` leaves starting them to people.
        scope: what such a review covers: `everything`, or one `app:`, `group:`, `role:` or `label:` by its name.
        answer_days: how long reviewers have; then substitutes are asked.
        remind_days: how often whoever has not answered is reminded, and after the deadline the next substitute is asked.
    """

    every: Literal["never", "quarter"] = "never"
    scope: str = "everything"
    answer_days: Annotated[int, Meta(ge=1, le=365)] = 14
    remind_days: Annotated[int, Meta(ge=1, le=365)] = 3
