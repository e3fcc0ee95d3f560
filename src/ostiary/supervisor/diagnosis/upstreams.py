"""Do the names of upstreams lead where an app may live? Needs Django."""

from collections.abc import Iterator

from ostiary.config.places import Instance
from ostiary.supervisor.diagnosis.finding import Finding, fine, problem


def check_upstreams(instance: Instance) -> Iterator[Finding]:
    """Look up every app's name at this moment; without apps there is nothing to say."""
    from django.db.utils import DatabaseError  # noqa: PLC0415 - needs Django

    from ostiary.applications.facade import find_forbidden, list_guarded_apps  # noqa: PLC0415

    try:
        apps = [app for app in list_guarded_apps() if not app.builtin]
    except DatabaseError:
        return  # what is wrong with the database is said by its own check
    found = find_forbidden(instance, apps, known={})
    for app, words in sorted(found.items()):
        mend = f"Correct the DNS record, or: ostiary app change {app} --upstream URL"
        yield problem("upstreams", f"The app {app} is not served: {words}.", mend)
    if apps and not found:
        yield fine("upstreams", f"The upstreams of {len(apps)} apps are where apps may be.")
