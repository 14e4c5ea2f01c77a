"""Audiences frozen in a notice, own values of each recipient, pausing; calls that are to be made again."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("notify", "0003_confirming_and_outcomes"),
        ("people", "0002_person_phone_verified_on"),
    ]

    operations = [
        migrations.AddField(
            model_name="call",
            name="call_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="calllist",
            name="notice",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="message",
            name="values",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="notice",
            name="audience",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="notice",
            name="by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="people.person"
            ),
        ),
        migrations.AddField(
            model_name="notice",
            name="paused_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="notice",
            name="personal",
            field=models.JSONField(default=list),
        ),
        migrations.AlterField(
            model_name="call",
            name="outcome",
            field=models.CharField(
                choices=[
                    ("pending", "Pending"),
                    ("reached", "Reached"),
                    ("no_answer", "No Answer"),
                    ("wrong_number", "Wrong Number"),
                    ("call_back", "Call Back"),
                    ("refused", "Refused"),
                    ("visited", "Visited"),
                ],
                default="pending",
                max_length=12,
            ),
        ),
    ]
