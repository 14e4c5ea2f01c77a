"""The outward sign of life: an address elsewhere that is called as long as the engine really works.

Whoever watches there (a healthchecks instance, another site, a provincial monitor) raises the alarm when the calls
stay away: that is the one alarm this house cannot raise itself. Nothing is called while anything that is due is not
done, whichever worker or host it is that does not do it.
"""

from __future__ import annotations

import logging

import httpx
from django.conf import settings

from changbei.web import pulse

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 8.0


def call() -> int:
    """Call the address, unless something is wrong; 0, as there is never more to do at once."""
    troubles = pulse.look().troubles
    if troubles:
        logger.warning("no sign of life is sent: %s", "; ".join(troubles))
        return 0
    try:
        httpx.get(settings.DEADMAN_URL, timeout=TIMEOUT_SECONDS, trust_env=False).raise_for_status()
    except httpx.HTTPError as error:
        logger.warning("the sign of life did not arrive: %s: %s", type(error).__name__, error)
    return 0
