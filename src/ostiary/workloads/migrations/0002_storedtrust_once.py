from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workloads', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='storedtrust',
            name='once',
            field=models.BooleanField(default=False),
        ),
    ]
