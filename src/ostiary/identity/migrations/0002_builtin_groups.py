"""The groups that open the console exist from the start."""

from typing import Any

from django.db import migrations

GROUPS = (
    ("administrators", "Administrators", "May change everything. A passkey is required."),
    ("auditors", "Auditors", "May read everything and change nothing."),
    ("helpdesk", "Helpdesk", "May invite people, end their sessions and reset their sign-in."),
)


def create_groups(apps: Any, schema_editor: Any) -> None:
    del schema_editor
    group = apps.get_model("identity", "Group")
    for id_, name, description in GROUPS:
        group.objects.update_or_create(id=id_, defaults={"name": name, "description": description, "builtin": True})


class Migration(migrations.Migration):
    dependencies = [("identity", "0001_initial")]
    operations = [migrations.RunPython(create_groups, migrations.RunPython.noop)]
