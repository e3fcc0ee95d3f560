"""What the catalogue tells the policy engine: section `applications` of the snapshot."""

from ostiary.applications.domain import App
from ostiary.applications.queries import list_apps
from ostiary.policy.snapshot import AppFact, Catalogue


def read_applications() -> Catalogue:
    """Return every app as the decision service needs it. Where an app lives is not among that."""
    return Catalogue(apps={app.id: _to_fact(app) for app in list_apps()})


def _to_fact(app: App) -> AppFact:
    return AppFact(
        id=app.id,
        host=app.host,
        name=app.name,
        labels=app.labels,
        methods=dict(app.methods),
        identity_headers=dict(app.identity_headers),
        contact=app.contact,
        streams=app.streams,
        idle_seconds=app.idle_seconds,
        longest_seconds=app.longest_seconds,
    )
