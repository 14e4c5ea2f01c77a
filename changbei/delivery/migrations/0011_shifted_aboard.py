"""An option says how many of the customers it shifts belong to vans that drive on."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0010_decided_together"),
    ]

    operations = [
        migrations.AddField(
            model_name="recoveryoption",
            name="arrivals_shifted_aboard",
            field=models.PositiveIntegerField(default=0),
        ),
    ]
