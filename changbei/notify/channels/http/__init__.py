"""Carriers that speak HTTP, each described by a file under `providers/` (or in the installation's own folder).

A carrier is chosen by one address: `NAME+https://host?setting=value&…`, where NAME is the file's name and the settings
are those that the file asks for. What carriers call back with is read by the same file.
"""

from __future__ import annotations

from changbei.notify.channels.http.carrier import Carrier, open_carrier
from changbei.notify.channels.http.provider import Provider, load

__all__ = ["Carrier", "Provider", "load", "open_carrier"]
