
import django.contrib.postgres.indexes
import django.db.models.deletion
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('incidents', '0006_suspension_resumed'),
        ('people', '0002_person_phone_verified_on'),
    ]

    operations = [
        migrations.AddField(
            model_name='warning',
            name='digest',
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name='warning',
            name='references',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='warning',
            name='texts',
            field=models.JSONField(default=list),
        ),
        migrations.CreateModel(
            name='WarningSource',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=100, unique=True)),
                ('kind', models.CharField(choices=[('url', 'Url'), ('folder', 'Folder'), ('push', 'Push')], max_length=8)),
                ('place', models.CharField(blank=True, max_length=500)),
                ('language', models.CharField(default='zh-Hans', max_length=10)),
                ('strict', models.BooleanField(default=False)),
                ('interval_seconds', models.PositiveIntegerField(default=60)),
                ('silent_after_seconds', models.PositiveIntegerField(default=3600)),
                ('enabled', models.BooleanField(default=True)),
                ('added_at', models.DateTimeField()),
                ('due_at', models.DateTimeField(null=True)),
                ('tried_at', models.DateTimeField(null=True)),
                ('heard_at', models.DateTimeField(null=True)),
                ('failures', models.PositiveIntegerField(default=0)),
                ('trouble', models.CharField(blank=True, max_length=300)),
                ('etag', models.CharField(blank=True, max_length=200)),
                ('modified', models.CharField(blank=True, max_length=100)),
                ('seen', models.JSONField(default=list)),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='people.person')),
            ],
        ),
        migrations.AddField(
            model_name='warning',
            name='origin',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='warnings', to='incidents.warningsource'),
        ),
        migrations.AddIndex(
            model_name='warning',
            index=models.Index(condition=models.Q(('verdict', 'refused')), fields=['digest'], name='warning_refused_file'),
        ),
        migrations.AddIndex(
            model_name='warning',
            index=django.contrib.postgres.indexes.GinIndex(fields=['references'], name='warning_references', opclasses=['jsonb_path_ops']),
        ),
        migrations.AddIndex(
            model_name='warningsource',
            index=models.Index(condition=models.Q(('enabled', True)), fields=['due_at'], name='warning_source_due'),
        ),
    ]
