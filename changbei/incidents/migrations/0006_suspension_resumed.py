from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("incidents", "0005_warning_replaced_by")]

    operations = [
        migrations.AddConstraint(
            model_name="suspension",
            constraint=models.CheckConstraint(
                condition=Q(resumed_at__isnull=True) | Q(resumed_at__gte=F("decided_at")),
                name="suspension_resumed_after_decision",
            ),
        ),
    ]
