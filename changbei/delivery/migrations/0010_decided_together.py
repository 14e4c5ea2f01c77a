"""A recovery keeps for which other vans it decides."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0009_papers_of_a_day"),
    ]

    operations = [
        migrations.AddField(
            model_name="recoverycase",
            name="others",
            field=models.ManyToManyField(related_name="shared_recoveries", to="delivery.breakdown"),
        ),
    ]
