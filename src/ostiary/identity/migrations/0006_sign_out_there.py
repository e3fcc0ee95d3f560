import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('identity', '0005_hygiene'),
    ]

    operations = [
        migrations.AddField(
            model_name='directoryprovider',
            name='proves_by',
            field=models.CharField(default='secret', max_length=10),
        ),
        migrations.AddField(
            model_name='directoryprovider',
            name='signs_out',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='signinsession',
            name='directory',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name='signinsession',
            name='directory_sid',
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddIndex(
            model_name='signinsession',
            index=models.Index(fields=['directory', 'directory_sid'], name='identity_session_directory'),
        ),
        migrations.CreateModel(
            name='DirectoryLogout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64)),
                ('subject', models.CharField(blank=True, max_length=255)),
                ('sid', models.CharField(blank=True, max_length=255)),
                ('at', models.DateTimeField(db_index=True)),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='logouts', to='identity.directoryprovider')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('provider', 'digest'), name='identity_one_logout_a_token')],
            },
        ),
    ]
