"""The demonstration: a city, its plan, a login per role, and a typhoon day that plays while you look.

The demo's clock is shifted to a delivery morning; stopped and started again it goes on where it was.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from datetime import datetime, time, timedelta
from types import FrameType

from django.conf import settings
from django.db.models import Max

from changbei.care import demo as care_demo
from changbei.core import clock, workdays
from changbei.core.errors import ChangbeiError
from changbei.delivery import planning
from changbei.delivery.lines import evenings
from changbei.delivery.models import LineEvening
from changbei.incidents.models import Incident
from changbei.journal import services as journal
from changbei.journal.models import Entry
from changbei.network import loading
from changbei.network.city import CitySpec, make
from changbei.network.models import City, Site
from changbei.people.accounts import DemoLogin, create_demo_accounts
from changbei.people.models import Account, Person
from changbei.plans import services as plans
from changbei.plans.models import PlanVersion
from changbei.readiness import demo as readiness_demo
from changbei.site.drills import closing
from changbei.site.drills.colleagues import Colleagues, drive
from changbei.site.drills.pace import Pace
from changbei.site.drills.scenarios import Scenario, happen, named, start_of_drill

logger = logging.getLogger(__name__)

BEGUN, PLAYED = "demo.begun", "demo.event_played"
HUMAN_FOR = timedelta(hours=2)
PAUSE_SECONDS = 2.0
EVENING = time(18, 0)


# --- before the processes start


def set_clock() -> None:
    """Shift this process's clock, and that of those it starts, to a delivery morning or to where the demo was left."""
    newest: datetime | None = Entry.objects.aggregate(at=Max("at"))["at"]
    real = clock.SystemClock().now()
    target = newest + timedelta(seconds=1) if newest else start_of_drill(real)
    os.environ["CHANGBEI_CLOCK"] = f"{(target - real).total_seconds():+.3f}"
    clock.install(clock.from_setting(os.environ["CHANGBEI_CLOCK"]))


def furnish(retailers: int) -> None:
    """City, plan and today's lines, as far as they are not there yet."""
    today = clock.today()
    if not City.objects.exists():
        loading.load(make(CitySpec(retailers=retailers, start_on=today - timedelta(days=today.weekday()))))
    if not PlanVersion.objects.filter(in_force=True).exists():
        for plan in sorted(settings.PLANS.glob("*/plan.yaml")):
            plans.adopt(plan.parent, actor=None)
        readiness_demo.live_in()
        care_demo.live_in()
    if not LineEvening.objects.exists():
        for site in Site.objects.filter(lines__isnull=False).distinct().order_by("pk"):
            evenings.set_evening(site, on=True, at=EVENING, actor=None)
    plan_today()


def plan_today() -> None:
    today = clock.today()
    if workdays.is_workday(today) and today.isoweekday() <= 5:
        planning.plan_day(today, actor=None)


def logins() -> list[DemoLogin]:
    return create_demo_accounts()


# --- while it runs


class Player:
    """Plays a scenario once, also across restarts; colleagues answer for whoever is not logged in."""

    def __init__(self, scenario: Scenario, *, seed: int = 1) -> None:
        self.scenario = scenario
        scripts = {part.procedure: part for part in scenario.parts}
        self.colleagues = Colleagues(Pace(seed), scripts, is_human=is_human, of={"drill": False})
        self.stopping = threading.Event()

    def run(self) -> None:
        """Until `stop()`."""
        begun = self._begun()
        drive(clock.now())
        while not self.stopping.wait(PAUSE_SECONDS):
            try:
                self._turn(begun)
            except ChangbeiError:
                logger.exception("the demo stumbled; it goes on")

    def stop(self) -> None:
        self.stopping.set()

    def _begun(self) -> datetime:
        entry = Entry.objects.filter(kind=BEGUN).first()
        if entry is None:
            entry = journal.append(BEGUN, actor=None, data={"scenario": self.scenario.id})
        return entry.at

    def _turn(self, begun: datetime) -> None:
        plan_today()
        played = set(Entry.objects.filter(kind=PLAYED).values_list("data__event", flat=True))
        for part in self.scenario.parts:
            if part.procedure not in played and part.after.after(begun) <= clock.now():
                journal.append(PLAYED, actor=None, data={"event": part.procedure})
                happen(part, drill=False)
        self.colleagues.act()
        _close_finished()


def is_human(person: Person) -> bool:
    """Whether somebody has logged in as this person lately: then the person's tasks are theirs to do."""
    since = clock.SystemClock().now() - HUMAN_FOR
    return Account.objects.filter(person=person, last_login__gte=since).exists()


def _close_finished() -> None:
    """Whoever commands closes an incident whose plan has been carried out."""
    for incident in closing.finished(Incident.objects.filter(drill=False)):
        at, person = closing.closing_at(incident), closing.commander(incident)
        if at and at <= clock.now() and person is not None and not is_human(person):
            closing.close(incident)


def play(name: str) -> None:
    """Play until SIGTERM or SIGINT. Django is set up."""
    player = Player(named(name))

    def stop(_signal: int, _frame: FrameType | None) -> None:
        player.stop()

    for kind in (signal.SIGTERM, signal.SIGINT):
        signal.signal(kind, stop)
    player.run()
