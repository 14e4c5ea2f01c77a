"""A delivery day in files: tables for people and other programs (CSV, Excel), VRPLIB for solvers.

`read_day` checks a table and never raises for its contents; `take_over` writes all of it or nothing. `write_day` gives
the day as it stands; what it writes can be read again.
"""

from changbei.delivery.exchange.columns import STOPS
from changbei.delivery.exchange.reading import DayFile, read_day
from changbei.delivery.exchange.taking import take_over
from changbei.delivery.exchange.vrp import read_solution, write_instance, write_solution
from changbei.delivery.exchange.writing import FORMATS, write_day

__all__ = [
    "FORMATS",
    "STOPS",
    "DayFile",
    "read_day",
    "read_solution",
    "take_over",
    "write_day",
    "write_instance",
    "write_solution",
]
