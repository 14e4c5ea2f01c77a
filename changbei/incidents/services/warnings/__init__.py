"""Weather warnings as they come in: every one is kept, and the plan's table says what each does (E3.2)."""

from changbei.incidents.services.warnings.acting import LIVE, start_from_warning
from changbei.incidents.services.warnings.expiring import announce_expired
from changbei.incidents.services.warnings.received import Received
from changbei.incidents.services.warnings.receiving import receive_warning, refuse_file

__all__ = ["LIVE", "Received", "announce_expired", "receive_warning", "refuse_file", "start_from_warning"]
