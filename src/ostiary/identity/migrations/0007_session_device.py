from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('identity', '0006_sign_out_there'),
    ]

    operations = [
        migrations.AddField(
            model_name='signinsession',
            name='device',
            field=models.CharField(blank=True, db_index=True, max_length=16),
        ),
    ]
