from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('software', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='installed',
            name='place',
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='installed',
            name='owed',
            field=models.FloatField(default=0.0),
        ),
        migrations.AddField(
            model_name='installed',
            name='owed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='knowledge',
            name='matcher',
            field=models.CharField(blank=True, max_length=32),
        ),
    ]
