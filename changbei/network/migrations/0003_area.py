from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("network", "0002_manufacturer_address_manufacturer_brands_and_more")]

    operations = [
        migrations.CreateModel(
            name="Area",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=12, unique=True)),
                ("name", models.JSONField()),
                ("outline", models.JSONField()),
                ("source", models.CharField(max_length=160)),
                ("loaded_at", models.DateTimeField()),
            ],
        ),
    ]
