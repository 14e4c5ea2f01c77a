from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0007_warning_sources'),
    ]

    operations = [
        migrations.AlterField(
            model_name='incident',
            name='level',
            field=models.CharField(choices=[('MAJOR', 'Major'), ('LOCAL', 'Local'), ('DEMAND', 'Demand'), ('SERVICE', 'Service')], max_length=8),
        ),
    ]
