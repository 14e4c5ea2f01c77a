"""A delivery day on the map, as GeoJSON: tours, stops, where the vans are, before and after of a recovery.

Positions are WGS 84 degrees. Tours are drawn straight from stop to stop. Read-only.
"""

from changbei.delivery.features.days import DayMap, closed, tour_stops
from changbei.delivery.features.lines import LinesMap
from changbei.delivery.features.recoveries import RecoveryMap, stranded_of

__all__ = ["DayMap", "LinesMap", "RecoveryMap", "closed", "stranded_of", "tour_stops"]
