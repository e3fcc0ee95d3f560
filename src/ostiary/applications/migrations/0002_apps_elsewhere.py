"""Apps that are not behind the gateway: how people sign in to them, and where they are opened."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0001_initial")]

    operations = [
        migrations.AddField("storedapp", "sign_in", models.CharField(default="gateway", max_length=16)),
        migrations.AddField("storedapp", "launch_url", models.CharField(blank=True, max_length=500)),
        migrations.AlterField("storedapp", "host", models.CharField(blank=True, max_length=253)),
        migrations.AddConstraint(
            "storedapp",
            models.UniqueConstraint(
                condition=models.Q(("host", ""), _negated=True), fields=("host",), name="applications_host_once"
            ),
        ),
    ]
