from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('reviews', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='campaignrow',
            name='seats_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='itemrow',
            name='handed_on',
            field=models.BinaryField(default=bytes),
        ),
    ]
