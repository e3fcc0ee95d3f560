from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("oidc", "0001_initial")]

    operations = [
        migrations.AddField("grant", "acr", models.CharField(blank=True, max_length=8)),
        migrations.AddField("grant", "amr", models.JSONField(default=list)),
    ]
