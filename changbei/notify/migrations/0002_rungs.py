"""Rungs of a ladder, and an index per channel so that a slow carrier holds no other up."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notify", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="message",
            name="rung",
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.RemoveIndex(model_name="message", name="message_due"),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("due_at__isnull", False)),
                fields=["channel", "urgency", "due_at"],
                name="message_due_by_channel",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("carrier_id", ""), _negated=True), fields=["carrier_id"], name="message_carrier"
            ),
        ),
    ]
