import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("network", "0003_area")]

    operations = [
        migrations.CreateModel(
            name="NetworkStore",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateField()),
                ("agreement", models.CharField(max_length=20)),
                (
                    "retailer",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="network_store",
                        to="network.retailer",
                    ),
                ),
            ],
        ),
    ]
