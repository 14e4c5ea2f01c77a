"""A whole city out of one seed: land, roads, shops, vans, lines, goods and the people who run it.

Everything in it is invented and says so: the city lies in open sea, its names are sexagenary-cycle names,
its phone numbers cannot exist. The same `CitySpec` gives the same bytes.
"""

from changbei.network.city.make import make
from changbei.network.city.plan import City, Table
from changbei.network.city.spec import CitySpec

__all__ = ["City", "CitySpec", "Table", "make"]
