
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('visibility', '0003_hour_counts'),
    ]

    operations = [
        migrations.CreateModel(
            name='SeenBrowser',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('person', models.CharField(max_length=128, verbose_name="person's id")),
                ('email', models.CharField(max_length=320, verbose_name='e-mail address')),
                ('browser', models.CharField(max_length=64, verbose_name='browser')),
                ('network', models.CharField(default='', max_length=64, verbose_name='network')),
                ('first_ms', models.BigIntegerField(verbose_name='first seen, milliseconds since the epoch')),
                ('last_ms', models.BigIntegerField(db_index=True, verbose_name='last seen, milliseconds since the epoch')),
                ('requests', models.PositiveBigIntegerField(default=0, verbose_name='requests')),
            ],
            options={
                'verbose_name': 'browser on an unknown device',
                'verbose_name_plural': 'browsers on unknown devices',
                'constraints': [models.UniqueConstraint(fields=('person', 'browser'), name='visibility_seen_browser')],
            },
        ),
    ]
