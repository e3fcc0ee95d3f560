from typing import Any

from django.db import migrations, models


def count_again(apps: Any, _editor: Any) -> None:
    apps.get_model("software", "PackageSet").objects.update(matched=0)


class Migration(migrations.Migration):

    dependencies = [
        ('software', '0002_bounds_and_matcher'),
    ]

    operations = [
        migrations.AddField(
            model_name='packageset',
            name='mendable',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='packageset',
            name='running',
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name='packageset',
            name='waiting',
            field=models.CharField(blank=True, max_length=330),
        ),
        migrations.RunPython(count_again, migrations.RunPython.noop),
    ]
