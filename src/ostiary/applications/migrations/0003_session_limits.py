"""How long an app goes on without a fresh proof."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0002_apps_elsewhere")]

    operations = [
        migrations.AddField("storedapp", "idle_seconds", models.PositiveIntegerField(null=True)),
        migrations.AddField("storedapp", "longest_seconds", models.PositiveIntegerField(null=True)),
    ]
