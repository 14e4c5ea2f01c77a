"""Queues change all the time: rows keep room on their page for their next version, and are tidied up early.

A timer is claimed (`lease_until`, in no index: a heap-only update when there is room) and then fired (its entry
leaves the index of what is due). A run's state is written with each fact. Left to the defaults, a fifth of a
million pending timers would have to be dead before anybody swept, and whoever claims would read past them.
"""

from django.db import migrations

FORWARD = """
ALTER TABLE runs_timer SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 500,
    autovacuum_analyze_scale_factor = 0.05);
ALTER TABLE runs_actioncall SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01,
    autovacuum_vacuum_threshold = 500);
ALTER TABLE runs_run SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
ALTER TABLE runs_task SET (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 500);
"""
SETTINGS = "fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold, autovacuum_analyze_scale_factor"
BACKWARD = "".join(
    f"ALTER TABLE {table} RESET ({SETTINGS});"
    for table in ("runs_timer", "runs_actioncall", "runs_run", "runs_task")
)


class Migration(migrations.Migration):
    dependencies = [("runs", "0002_calls_loops_schedules")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
