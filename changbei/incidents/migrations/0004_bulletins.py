"""Bulletins: decisions told to the public, one chain a suspension."""

import uuid

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("incidents", "0003_forecast_and_lines"),
    ]

    operations = [
        migrations.CreateModel(
            name="Bulletin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("uuid", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("number", models.PositiveSmallIntegerField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("suspended", "Suspended"), ("changed", "Changed"), ("resumed", "Resumed")],
                        max_length=10,
                    ),
                ),
                ("title", models.JSONField()),
                ("body", models.JSONField()),
                ("area_name", models.JSONField()),
                ("area", models.JSONField()),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("published_at", models.DateTimeField()),
                ("drill", models.BooleanField(default=False)),
                (
                    "suspension",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="bulletins",
                        to="incidents.suspension",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            model_name="publicnotice",
            name="bulletin",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="texts",
                to="incidents.bulletin",
            ),
        ),
        migrations.AddIndex(
            model_name="bulletin",
            index=models.Index(
                condition=models.Q(("drill", False)), fields=["-published_at"], name="bulletin_public"
            ),
        ),
        migrations.AddConstraint(
            model_name="bulletin",
            constraint=models.UniqueConstraint(fields=("suspension", "number"), name="bulletin_number_once"),
        ),
    ]
