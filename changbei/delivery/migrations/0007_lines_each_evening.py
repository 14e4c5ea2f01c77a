
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('delivery', '0006_line_questions'),
        ('network', '0003_area'),
        ('people', '0002_person_phone_verified_on'),
    ]

    operations = [
        migrations.AddField(
            model_name='linequestion',
            name='before',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='linequestion',
            name='decided_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='linequestion',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person'),
        ),
        migrations.AddField(
            model_name='linequestion',
            name='site',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='network.site'),
        ),
        migrations.AddField(
            model_name='linequestion',
            name='weight',
            field=models.CharField(choices=[('usual', 'Usual'), ('even', 'Even'), ('compact', 'Compact'), ('familiar', 'Familiar')], default='usual', max_length=10),
        ),
        migrations.AddField(
            model_name='recoveryoption',
            name='longest_wait_minutes',
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name='recoveryoption',
            name='waiting_minutes',
            field=models.FloatField(default=0),
        ),
        migrations.AlterField(
            model_name='linequestion',
            name='status',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('answered', 'Answered'), ('accepted', 'Accepted'), ('kept', 'Kept'), ('failed', 'Failed')], default='waiting', max_length=10),
        ),
        migrations.CreateModel(
            name='LineEvening',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('on', models.BooleanField(default=True)),
                ('at', models.TimeField()),
                ('days_ahead', models.PositiveSmallIntegerField(default=1)),
                ('due_at', models.DateTimeField(null=True)),
                ('trouble', models.CharField(blank=True, default='', max_length=200)),
                ('site', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='line_evening', to='network.site')),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='line_evening_due')],
            },
        ),
    ]
