import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notify", "0006_held_seconds"),
    ]

    operations = [
        migrations.AlterField(
            model_name="message",
            name="notice",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="notify.notice",
            ),
        ),
    ]
