from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('baselines', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='deviceverdict',
            name='blocking',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='deviceverdict',
            name='turned_by',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='deviceverdict',
            name='worse',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='deviceverdict',
            name='lost',
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name='deviceverdict',
            name='held_checks',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='deviceverdict',
            name='hold_ends',
            field=models.FloatField(db_index=True, default=0.0),
        ),
    ]
