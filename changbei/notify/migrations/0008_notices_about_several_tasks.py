import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notify", "0007_fewer_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="tasks",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.UUIDField(), null=True, size=None
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=django.contrib.postgres.indexes.GinIndex(
                condition=models.Q(("tasks__isnull", False)), fields=["tasks"], name="notice_tasks"
            ),
        ),
    ]
