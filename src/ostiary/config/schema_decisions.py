"""How decisions are made, how the rules behind them change, and how both are put on record."""

from typing import Annotated

from msgspec import Meta

from ostiary.config.section import Positive, Section


class Decisions(Section, frozen=True, kw_only=True):
    """The decision service.

    Args:
        grant_seconds: the longest life of a grant.
        facts_max_age_seconds: refuse everything when the facts were last confirmed longer ago.
        country_database: a local MaxMind-format file; without it no country is known: allow rules that name countries let
            nobody in, and nobody escapes deny rules that name some.
        forward_auth_port: serves Caddy, Traefik and nginx on the loopback address; 0 switches it off.
    """

    grant_seconds: Annotated[int, Meta(ge=1, le=60)] = 60
    facts_max_age_seconds: Positive = 300
    country_database: str = ""
    forward_auth_port: Annotated[int, Meta(ge=0, le=65535)] = 0


class Rules(Section, frozen=True, kw_only=True):
    """How changes of the rules are guarded.

    Args:
        confirm_seconds: a change that would shut its maker or every administrator out of the console is taken back by
            itself unless it is confirmed within this time.
        hold_share_percent: a change that takes something from more than this share of the people with access, and from three
            or more, is applied only when their number is said.
        second_approver: a change is applied only when an administrator other than whoever made it approves.
        proposal_hours: how long a change waits for that.
        follow: a git repository that the rules come from: a folder, or a `https:` or `ssh:` address; empty makes them here.
        follow_branch: whose last commit counts.
        follow_file: the path of the rules document in the repository.
        follow_key: a file with the private SSH key that may read the repository.
        follow_known_hosts: a file with the keys of the SSH server that is trusted, as `ssh-keyscan` prints them; empty asks
            `~/.ssh/known_hosts` of the user who runs Ostiary.
        follow_token: a file with the password or token that an `https:` server is sent; the user stands in the address.
        follow_authority: a file (PEM) with the authority that vouches for an `https:` server, besides those the system trusts.
        follow_seconds: how often it is fetched.
    """

    confirm_seconds: Annotated[int, Meta(ge=1, le=86_400)] = 300
    hold_share_percent: Annotated[int, Meta(ge=0, le=100)] = 20
    second_approver: bool = False
    proposal_hours: Positive = 72
    follow: str = ""
    follow_branch: str = "main"
    follow_file: str = "rules.yaml"
    follow_key: str = ""
    follow_known_hosts: str = ""
    follow_token: str = ""
    follow_authority: str = ""
    follow_seconds: Positive = 60


class Record(Section, frozen=True, kw_only=True):
    """The audit log.

    Args:
        segment_mib: a segment is closed and signed when it reaches this size.
        retention_days: closed segments older than this are removed, oldest first, with a record of it.
        replay_days: for so many days what each decision read is kept in short, to try other rules on it with
            `ostiary rules replay`; 0 keeps nothing and removes what was kept.
        checkpoint_seconds: how often the open segment is signed.
        min_free_mib: with less space than this on the disk, requests are refused and the alarm is raised.
    """

    segment_mib: Positive = 64
    retention_days: Positive = 400
    replay_days: Annotated[int, Meta(ge=0, le=3660)] = 90
    checkpoint_seconds: Positive = 60
    min_free_mib: Positive = 256
