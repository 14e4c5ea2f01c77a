"""Three-day forecasts (E3.2.9): what a day is, and where forecasts come from."""

from changbei.incidents.forecasts.days import DAYS_AHEAD, Day, Draft, beaufort
from changbei.incidents.forecasts.sources import FolderSource, HttpSource, Source, configured

__all__ = ["DAYS_AHEAD", "Day", "Draft", "FolderSource", "HttpSource", "Source", "beaufort", "configured"]
