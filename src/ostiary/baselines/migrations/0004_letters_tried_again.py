import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('baselines', '0003_what_was_asked'),
        ('devices', '0002_posture'),
    ]

    operations = [
        migrations.AddField(
            model_name='failing',
            name='tried_at',
            field=models.FloatField(default=0.0),
        ),
        migrations.AddField(
            model_name='failing',
            name='tries',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.CreateModel(
            name='NotKnown',
            fields=[
                ('device', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='+', serialize=False, to='devices.storeddevice')),
                ('since', models.FloatField(default=0.0)),
                ('told_at', models.FloatField(default=0.0)),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('tried_at', models.FloatField(default=0.0)),
            ],
        ),
    ]
