import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0003_storage"),
    ]

    operations = [
        migrations.AlterField(
            model_name="actioncall",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="actions",
                to="runs.run",
            ),
        ),
        migrations.AlterField(
            model_name="runfact",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="applied",
                to="runs.run",
            ),
        ),
        migrations.AlterField(
            model_name="task",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="tasks",
                to="runs.run",
            ),
        ),
        migrations.AlterField(
            model_name="timer",
            name="run",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="timers",
                to="runs.run",
            ),
        ),
    ]
