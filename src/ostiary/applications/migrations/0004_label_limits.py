"""Limits of every app with a label."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("applications", "0003_session_limits")]

    operations = [
        migrations.CreateModel(
            name="StoredLabelLimits",
            fields=[
                ("label", models.CharField(max_length=63, primary_key=True, serialize=False)),
                ("idle_seconds", models.PositiveIntegerField(null=True)),
                ("longest_seconds", models.PositiveIntegerField(null=True)),
            ],
        ),
    ]
