"""Every kind of file, in the order in which an empty site takes them: each names what those before it have brought."""

from __future__ import annotations

from collections.abc import Mapping

from changbei.network.imports.columns import RETAILERS, STAFF, VEHICLES, Kind
from changbei.network.imports.goods import DEMAND, PRODUCTS, STOCK
from changbei.network.imports.ground import CONTACTS, DISTRICTS, DUTY, LINES, POSTS, SITES, TOWNS, UNITS

KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        UNITS, POSTS, STAFF, DUTY, CONTACTS, SITES, VEHICLES, DISTRICTS, TOWNS, LINES, RETAILERS, PRODUCTS, STOCK,
        DEMAND,
    )
}  # fmt: skip
