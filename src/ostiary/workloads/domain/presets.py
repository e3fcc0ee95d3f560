"""Issuers that many have: what their tokens are called after, and what rules for their claims look like. Pure.

Source: GitHub, "OpenID Connect reference"; GitLab, "OpenID Connect (OIDC) Authentication Using ID Tokens"; Kubernetes, "Managing
Service Accounts".
"""

from enum import StrEnum
from typing import Final

import msgspec

from ostiary.workloads.domain.trust import GITHUB, GITLAB, usually_once


class Kind(StrEnum):
    """Which issuer it is."""

    GITHUB = "github"
    GITLAB = "gitlab"
    KUBERNETES = "kubernetes"
    OTHER = "other"


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """What is usual for an issuer.

    Args:
        issuer: the `iss` of its tokens; empty where each has its own.
        examples: rules for claims, each `NAME=VALUE`; the first ones say whose job it must be.
        keys: whether its keys are usually handed in, for nobody outside reaches it.
    """

    kind: Kind
    issuer: str
    examples: tuple[str, ...]
    keys: bool = False

    @property
    def once(self) -> bool:
        """Whether each of its tokens is good once, unless somebody says otherwise."""
        return usually_once(self.issuer)


PRESETS: Final = {
    one.kind: one
    for one in (
        Preset(
            kind=Kind.GITHUB,
            issuer=GITHUB,
            examples=("repository=acme/web", "ref=refs/heads/main", "environment=production"),
        ),
        Preset(
            kind=Kind.GITLAB,
            issuer=GITLAB,
            examples=("project_path=acme/web", "ref=main", "ref_protected=true"),
        ),
        Preset(
            kind=Kind.KUBERNETES,
            issuer="https://kubernetes.default.svc.cluster.local",
            examples=("sub=system:serviceaccount:NAMESPACE:NAME",),
            keys=True,
        ),
        Preset(kind=Kind.OTHER, issuer="", examples=("sub=WHOSE-JOB",)),
    )
}
