"""The day as arrays: what is left to drive at this moment, ready for `compute.recovery`, and the way back.

Times are whole seconds of the day's local midnight. Locations are the sites, then what the vans and goods need. What
disturbs the day is in the arrays: goods that wait at a broken van or at a site (`orders.source`), customers in a closed
area (served before it closes or after it opens again), travel times around it, reserve vans where they stand today.
"""

from changbei.delivery.snapshot.hours import NEVER
from changbei.delivery.snapshot.option import option_plan
from changbei.delivery.snapshot.shot import Snapshot
from changbei.delivery.snapshot.taking import take

__all__ = ["NEVER", "Snapshot", "option_plan", "take"]
