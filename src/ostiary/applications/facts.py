"""What the catalogue tells the policy engine: section `applications` of the snapshot."""

from ostiary.applications.domain import App, Limits, limits_for
from ostiary.applications.queries import list_apps, list_label_limits
from ostiary.policy.snapshot import AppFact, Catalogue


def read_applications() -> Catalogue:
    """Return every app as the decision service needs it. Where an app lives is not among that."""
    by_label = {one.label: one for one in list_label_limits()}
    return Catalogue(apps={app.id: _to_fact(app, limits_for(app, by_label)) for app in list_apps()})


def _to_fact(app: App, limits: Limits) -> AppFact:
    return AppFact(
        id=app.id,
        host=app.host,
        name=app.name,
        labels=app.labels,
        methods=dict(app.methods),
        identity_headers=dict(app.identity_headers),
        contact=app.contact,
        streams=app.streams,
        idle_seconds=limits.idle.seconds if limits.idle else None,
        longest_seconds=limits.longest.seconds if limits.longest else None,
    )
