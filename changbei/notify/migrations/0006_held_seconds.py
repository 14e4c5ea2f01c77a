from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notify', '0005_refused_numbers'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='held_seconds',
            field=models.PositiveIntegerField(null=True),
        ),
    ]
