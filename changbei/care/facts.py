"""What the room reads out of packs by name."""

from __future__ import annotations

from changbei.care.checklists import FREQUENCY, SETTINGS
from changbei.plans.kinds import reads

reads("care", settings=SETTINGS, tables=[FREQUENCY])
