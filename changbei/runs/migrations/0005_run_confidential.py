from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("runs", "0004_fewer_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="run",
            name="confidential",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="run",
            index=models.Index(
                condition=models.Q(("confidential", True)), fields=["id"], name="run_confidential"
            ),
        ),
    ]
