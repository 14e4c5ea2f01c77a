"""Transport papers belong to a day: of a recovery as before, or of a tour that another van drives."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import OuterRef, Subquery


def fill_day(apps, schema_editor):
    papers = apps.get_model("delivery", "TransportPapers")
    cases = apps.get_model("delivery", "RecoveryCase").objects.filter(pk=OuterRef("case"))
    papers.objects.update(day=Subquery(cases.values("day")))


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0008_who_was_relieved"),
    ]

    operations = [
        migrations.AddField(
            model_name="transportpapers",
            name="day",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="papers",
                to="delivery.deliveryday",
            ),
        ),
        migrations.RunPython(fill_day, migrations.RunPython.noop, elidable=True),
        # Rows that wait to be checked at the end of the transaction keep the table from being altered.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField(
            model_name="transportpapers",
            name="day",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="papers",
                to="delivery.deliveryday",
            ),
        ),
        migrations.AddField(
            model_name="transportpapers",
            name="tour",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="papers",
                to="delivery.tour",
            ),
        ),
        migrations.AlterField(
            model_name="transportpapers",
            name="case",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="papers",
                to="delivery.recoverycase",
            ),
        ),
    ]
