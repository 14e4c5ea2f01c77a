"""Start-up of the room: what all rooms declare as actions, checks and facts becomes known to the checker of plans."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class PlansConfig(AppConfig):
    name = "changbei.plans"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        autodiscover_modules("actions", "checks", "facts")
