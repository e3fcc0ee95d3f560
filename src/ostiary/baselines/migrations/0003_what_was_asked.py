from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('baselines', '0002_what_is_held'),
    ]

    operations = [
        migrations.AddField(
            model_name='deviceverdict',
            name='asked',
            field=models.CharField(blank=True, default='', max_length=33),
        ),
    ]
