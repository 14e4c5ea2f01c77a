import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("incidents", "0004_bulletins")]

    operations = [
        migrations.AddField(
            model_name="warning",
            name="replaced_by",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="replaces",
                to="incidents.warning",
            ),
        ),
    ]
