"""The journal as people read it: one table, kind of fact → sentence. Kinds without one are shown by their name.

The sentences take over where the name of the person who did it ends, or stand alone for what the engine did.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from changbei.incidents.models import Incident
from changbei.journal import services as journal
from changbei.journal.models import Entry
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.plans.model import Pack, Procedure
from changbei.runs.models import Run
from changbei.web import showing
from changbei.web.components import TimelineEntry, Tone

Words = str | Promise


@dataclass(frozen=True)
class Sentence:
    """`text` and `detail` name values of `_values`; see there."""

    text: Words
    icon: str = "point-filled"
    tone: Tone = "neutral"
    detail: Words = ""


_ = gettext_lazy

TABLE: Mapping[str, Sentence] = {
    "incidents.reported": Sentence(_("reported it"), "speakerphone", "notice"),
    "incidents.report_joined": Sentence(
        _("reported it again; the report was joined"), "arrows-exchange", "info"
    ),
    "incidents.classified": Sentence(_("Classified as %(level)s"), "adjustments"),
    "incidents.level_changed": Sentence(
        _("changed the level from %(before)s to %(level)s"), "adjustments", "notice", "%(reason)s"
    ),
    "incidents.command_post_set_up": Sentence(
        _("Command post set up; commander %(commander)s"), "users-group", "notice"
    ),
    "incidents.command_passed": Sentence(_("Command passed to %(commander)s"), "user-share", "notice"),
    "incidents.command_handed_back": Sentence(
        _("Command handed back to %(commander)s"), "user-check", "info"
    ),
    "incidents.command_post_stood_down": Sentence(_("Command post stood down"), "users-group"),
    "incidents.authorisation_asked": Sentence(
        _("Both leaders are away: %(acting)s acts as commander; authorisation asked of %(asked)s"),
        "writing-sign",
        "warn",
    ),
    "incidents.authorisation_granted": Sentence(
        _("authorised %(acting)s as acting commander"), "signature", "good"
    ),
    "incidents.warning_received": Sentence(_("Weather warning received: %(headline)s"), "storm", "warn"),
    "incidents.warning_updated": Sentence(_("Weather warning updated: %(headline)s"), "storm", "warn"),
    "incidents.warning_expired": Sentence(_("Weather warning expired: %(headline)s"), "storm"),
    "incidents.warning_proposed": Sentence(
        _("Weather warning proposed to the office: %(headline)s"), "storm", "notice"
    ),
    "incidents.warning_refused": Sentence(_("A weather warning could not be read"), "storm", "bad"),
    "incidents.all_clear": Sentence(_("declared the all-clear"), "sun", "good"),
    "incidents.service_suspended": Sentence(
        _("Service suspended for %(retailers)s customers, %(starts_at)s–%(ends_at)s"),
        "player-pause",
        "warn",
        "%(reason)s",
    ),
    "incidents.suspension_extended": Sentence(
        _("Suspension extended until %(ends_at)s"), "player-pause", "warn", "%(reason)s"
    ),
    "incidents.lines_decided": Sentence(
        _("Go or no-go decided line by line, %(held)s on hold"), "route", "warn"
    ),
    "incidents.forecast_kept": Sentence(_("Three-day forecast of %(name)s kept"), "storm", "info"),
    "incidents.service_resumed": Sentence(_("Service resumed"), "player-play", "good"),
    "incidents.public_notice_made": Sentence(
        _("Public notices written for TV, radio and mobile"), "speakerphone"
    ),
    "incidents.fallback_recorded": Sentence(_("Fallback in use: %(fallback)s"), "plug-connected", "info"),
    "incidents.contact_missing": Sentence(_("No contact on file for: %(serves)s"), "user-question", "bad"),
    "incidents.restored": Sentence(_("Service is back"), "circle-check", "good"),
    "incidents.closed": Sentence(_("closed the incident"), "lock", "neutral", "%(reason)s"),
    "runs.started": Sentence(_("Plan started: %(plan)s"), "player-play", "info"),
    "runs.finished": Sentence(_("The plan is finished"), "circle-check", "good"),
    "runs.ended": Sentence(_("Ended before the plan was carried out"), "lock", "warn"),
    "runs.restored": Sentence(_("Service restored, as the plan says"), "circle-check", "good"),
    "runs.stage_opened": Sentence(_("Stage begun: %(stage)s"), "chevron-right"),
    "runs.stage_dropped": Sentence(_("Stage dropped: %(stage)s"), "ban"),
    "runs.stage_closed": Sentence(_("Stage finished: %(stage)s"), "check"),
    "runs.task_opened": Sentence(
        _("Task for %(role)s %(holder)s: %(item)s"), "clipboard-list", "info", _("due %(due_at)s")
    ),
    "runs.task_acknowledged": Sentence(_("accepted: %(item)s"), "player-play", "info"),
    "runs.task_done": Sentence(_("done: %(item)s"), "circle-check", "good", "%(answer)s"),
    "runs.task_cancelled": Sentence(_("Dropped: %(item)s"), "ban"),
    "runs.escalated": Sentence(
        _("%(why)s: %(item)s (%(holder)s). %(role)s %(to)s was told"), "arrow-up", "warn"
    ),
    "runs.role_moved": Sentence(
        _("%(role)s passes from %(from)s to %(to)s"), "user-share", "notice", "%(why)s"
    ),
    "runs.task_moved": Sentence(_("%(item)s passes from %(from)s to %(to)s"), "user-share", "notice"),
    "runs.plan_called": Sentence(_("The plan calls another: %(called)s"), "sitemap", "info"),
    "runs.begun_by_schedule": Sentence(_("%(number)s begun by its schedule"), "calendar-event", "info"),
    "runs.schedule_failed": Sentence(
        _("What was scheduled could not begin: %(procedure)s"), "circle-x", "bad", "%(error)s"
    ),
    "runs.mark_reached": Sentence(_("Count-down %(item)s: %(mark)s"), "hourglass", "warn"),
    "runs.countdown_ended": Sentence(_("Count-down %(item)s: %(ended)s"), "hourglass", "notice"),
    "runs.acted_first": Sentence(
        _("Acted first; to be approved afterwards: %(item)s"), "player-play", "warn"
    ),
    "runs.action_called": Sentence(_("The system starts: %(action)s"), "engine"),
    "runs.evidence_attached": Sentence(_("attached evidence to: %(item)s"), "paperclip", "info"),
    "runs.noted": Sentence(_("Note of the engine: %(what)s"), "note", "warn", "%(detail)s"),
    "notify.told": Sentence(_("Notice to %(recipients)s recipients: %(item)s"), "send", "neutral", "%(to)s"),
    "notify.acknowledged": Sentence(_("confirmed a message"), "checks", "good"),
    "notify.failed": Sentence(_("A message could not be delivered"), "circle-x", "bad", "%(error)s"),
    "notify.call_list_made": Sentence(
        _("Call list for %(customers)s customers, %(callers)s callers"), "phone-call", "info"
    ),
    "notify.call_recorded": Sentence(_("called customer %(licence_no)s: %(outcome)s"), "phone"),
    "notify.calls_passed_on": Sentence(
        _("Calls of %(from)s passed on to colleagues"), "phone-call", "notice"
    ),
    "notify.calls_ended": Sentence(
        _("%(left)s customers who were not reached are phoned no more: it is over"), "phone-off", "notice"
    ),
    "notify.call_list_finished": Sentence(
        _("All %(customers)s customers of the call list were dealt with"), "phone-call", "good"
    ),
    "delivery.broken_down": Sentence(
        _("Van %(vehicle)s stopped: %(place)s; %(stops)s customers stranded"), "truck-off", "bad"
    ),
    "delivery.recovery_offered": Sentence(
        _("Options to recover %(stops)s customers computed"), "route", "info", "%(options)s"
    ),
    "delivery.recovery_accepted": Sentence(
        _("accepted a recovery: %(option)s; %(moved)s stops moved, %(unserved)s unserved"), "route-2", "good"
    ),
    "delivery.goods_taken_over": Sentence(
        _("Van %(vehicle)s took over %(cartons)s cartons for %(stops)s customers"), "packages", "good"
    ),
    "delivery.postponed": Sentence(
        _("%(stops)s customers moved to %(next_on)s"), "calendar-event", "warn", "%(reason)s"
    ),
    "delivery.repair_ordered": Sentence(_("Repair ordered for van %(vehicle)s"), "tool"),
    "delivery.repair_ended": Sentence(_("Van %(vehicle)s is back from repair"), "tool", "good"),
    "delivery.stops_held": Sentence(_("%(stops)s deliveries held"), "hand-stop", "warn"),
    "delivery.stops_moved": Sentence(
        _("%(stops)s deliveries moved to %(next_on)s"), "calendar-event", "warn"
    ),
    "delivery.lines_adjusted": Sentence(_("Lines adjusted, %(stops)s deliveries concerned"), "route", "warn"),
    "delivery.lines_planned": Sentence(_("Lines planned anew, %(moved)s customers on another van"), "route"),
    "delivery.closed": Sentence(_("Closed: %(reason)s"), "ban", "warn"),
    "delivery.reopened": Sentence(_("Open again: %(reason)s"), "ban", "good"),
    "delivery.orders_added": Sentence(_("%(stops)s urgent orders, %(cartons)s cartons"), "package"),
    "delivery.goods_joined": Sentence(
        _("%(cartons)s cartons for %(customer)s joined the tour of van %(vehicle)s on %(date)s"), "package"
    ),
    "delivery.stops_cancelled": Sentence(_("%(stops)s deliveries cancelled by their customers"), "circle-x"),
    "delivery.van_lent": Sentence(
        _("Reserve van %(vehicle)s of %(of)s stands at %(site)s today"), "truck-return"
    ),
    "delivery.van_replaced": Sentence(
        _("Van %(vehicle)s drives on %(date)s instead of van %(instead_of)s"), "truck"
    ),
    "delivery.van_given_back": Sentence(
        _("Reserve van %(vehicle)s is back at its own site"), "truck-return", "good"
    ),
    "delivery.driven_on": Sentence(_("Van %(vehicle)s is driven on by %(driver)s"), "steering-wheel", "good"),
    "delivery.day_imported": Sentence(_("%(date)s planned from %(file)s: %(stops)s stops"), "upload"),
    "delivery.stops_released": Sentence(_("%(stops)s deliveries released"), "truck-delivery", "good"),
    "care.visits_planned": Sentence(_("planned %(added)s visits for %(weeks)s weeks"), "calendar-event"),
    "care.visit_arranged": Sentence(
        _("arranged a visit to %(licence_no)s for %(on)s"), "calendar-event", "info"
    ),
    "care.visit_moved": Sentence(
        _("moved the visit to %(licence_no)s from %(before)s to %(on)s"), "calendar-event"
    ),
    "care.visit_dropped": Sentence(_("dropped the visit to %(licence_no)s"), "ban", "warn"),
    "care.visit_done": Sentence(_("visited %(licence_no)s; findings: %(findings)s"), "map-pin", "good"),
    "care.finding_made": Sentence(
        _("found something to be mended at %(licence_no)s"), "alert-circle", "notice"
    ),
    "care.matter_begun": Sentence(_("This was found on the visit of %(on)s"), "map-pin"),
    "care.sample_drawn": Sentence(
        _("drew %(drawn)s of %(of)s visits of %(month)s by the seed %(seed)s"), "eye", "notice"
    ),
    "care.photo_removed": Sentence(
        _("deleted a photo of the visit to %(licence_no)s"), "trash", "warn", "%(reason)s"
    ),
    "care.old_deleted": Sentence(_("Old visits deleted: %(visits)s; photos: %(photos)s"), "trash"),
    "supply.request_assessed": Sentence(
        _("Request %(number)s for %(cartons)s cartons assessed: %(verdict)s"), "clipboard-check", "info"
    ),
    "supply.request_approved": Sentence(_("Request %(number)s approved"), "signature", "good"),
    "supply.request_declined": Sentence(_("Request %(number)s declined"), "circle-x", "warn"),
    "supply.request_merged": Sentence(
        _("Request %(number)s joined to the regular order"), "shopping-cart", "good"
    ),
    "supply.replenishment_dispatched": Sentence(
        _("Replenishment %(number)s on its way"), "truck-delivery", "good"
    ),
    "supply.shipment_expected": Sentence(
        _("%(shipment)s is expected on %(expected_on)s"),
        "clock-exclamation",
        "notice",
        _("instead of %(expected_before)s"),
    ),
    "supply.key_customers_replenished": Sentence(
        _("%(requests)s key customers replenished with %(cartons)s cartons"), "packages", "good"
    ),
    "supply.request_acted_first": Sentence(
        _("Request %(number)s goes out first; its approval follows"), "truck-delivery", "warn"
    ),
    "supply.settlement_listed": Sentence(_("listed a wrong settlement of %(licence_no)s"), "scale", "notice"),
    "supply.settlements_listed": Sentence(
        _("closed the list: %(listed)s wrong settlements"), "list-check", "info"
    ),
    "supply.settlement_corrected": Sentence(
        _("had the settlement of %(licence_no)s corrected"), "check", "good", "%(reference)s"
    ),
    "supply.settlements_corrected": Sentence(
        _("All %(corrected)s wrong settlements are corrected"), "check", "good"
    ),
    "supply.settlements_reconciled": Sentence(
        _("reconciled with the bank: nothing is open"), "checks", "good"
    ),
    "supply.cash_allowed": Sentence(
        _("Customers may settle the order of %(order_day)s in cash"), "scale", "notice"
    ),
    "supply.cash_customers_named": Sentence(
        _("closed the list of customers who settle in cash"), "list-check", "info"
    ),
    "supply.cash_received": Sentence(_("received cash of %(licence_no)s"), "check", "info"),
    "supply.cash_not_used": Sentence(_("noted that %(licence_no)s did not pay in cash"), "ban"),
    "supply.cash_paid_in": Sentence(
        _("paid in the cash of %(licence_no)s"), "check", "good", "%(reference)s"
    ),
    "supply.cash_reconciled": Sentence(_("closed the cash settlements: all is paid in"), "checks", "good"),
    "readiness.simulation_begun": Sentence(
        _("has simulated colleagues answer for whoever does not"), "school", "notice"
    ),
    "readiness.review_made": Sentence(_("The review was made: %(findings)s findings"), "list-check", "info"),
    "readiness.review_confirmed": Sentence(_("confirmed the review"), "signature", "good"),
    "readiness.review_circulated": Sentence(_("circulated the review"), "send", "info"),
    "readiness.rectification_ordered": Sentence(_("ordered rectification by %(due_on)s"), "tool", "notice"),
    "readiness.rectification_assigned": Sentence(_("gave what is to be mended to somebody"), "tool", "info"),
    "readiness.rectification_reminded": Sentence(
        _("A reminder went out of what is to be mended"), "tool", "warn"
    ),
    "readiness.rectified": Sentence(_("mended what was found"), "tool", "good"),
    "people.absence_recorded": Sentence(_("recorded an absence of %(person)s"), "user-off", "notice"),
    "people.absence_ended": Sentence(_("ended the absence of %(person)s"), "user-check"),
}

WORDS: Mapping[str, Words] = {
    "acknowledge": _("Nobody accepted in time"),
    "due": _("Not done in time"),
    "MAJOR": _("major"),
    "LOCAL": _("local"),
    "DEMAND": _("demand"),
    "SERVICE": _("everyday service"),
    "standby": _("standby server"),
    "spare-pc": _("spare computer"),
    "backup-line": _("spare line"),
    "other-office": _("another office"),
    "phone": _("ordering by phone"),
    "site_reserve": _("reserve van of the site"),
    "nearest_reserve": _("reserve van of the nearest site"),
    "neighbours": _("neighbouring lines"),
    "mixed": _("reserve van and neighbouring lines"),
    "resequenced": _("every van by itself"),
    "calm": _("fewest customers shifted"),
    "reached": _("reached"),
    "visited": _("visited"),
    "no_answer": _("no answer"),
    "wrong_number": _("wrong number"),
    "cancelled": _("cancelled by the weather service"),
    "run_out": _("the time has run out"),
    "stopped": _("stopped"),
    "approved": _("approved"),
    "refused": _("refused"),
}
ACTIONS: Mapping[str, Words] = {
    "delivery.call_substitute": _("call a substitute driver"),
    "delivery.find_substitute": _("find who knows the line"),
    "delivery.order_repair": _("order the repair"),
    "delivery.postpone": _("postpone deliveries"),
    "delivery.recover": _("compute the options to recover deliveries"),
    "delivery.tell_customers": _("tell the customers their new times"),
    "delivery.tell_drivers": _("send the drivers their new lists"),
    "incidents.affected": _("count the customers concerned"),
    "incidents.extend": _("extend the suspension"),
    "incidents.make_call_list": _("share out the calls"),
    "incidents.notify_customers": _("tell the customers"),
    "incidents.public_notice": _("write the public notices"),
    "incidents.record_fallback": _("record the fallback"),
    "incidents.resume": _("resume service and release deliveries"),
    "incidents.suspend": _("suspend service and hold deliveries"),
    "incidents.tell_contacts": _("tell the outside contacts"),
    "supply.assess_request": _("check eligibility"),
    "incidents.departments": _("find the departments and who answers for them"),
    "incidents.end_line_hold": _("let lines on hold go again"),
    "incidents.fetch_forecast": _("fetch the weather forecast"),
    "incidents.read_forecast": _("read the weather forecast"),
    "incidents.tell_line_customers": _("tell the customers of the lines"),
    "readiness.inspection_round": _("list the places to inspect"),
    "readiness.record_backup": _("put the backup on record"),
    "readiness.record_inspections": _("put the inspections on record"),
    "readiness.record_restore_drill": _("put the restore drill on record"),
    "readiness.return_spare": _("put the spare back"),
    "readiness.unmended_findings": _("see what is not mended yet"),
    "readiness.use_spare": _("take a spare from the register"),
    "supply.allow_cash": _("put the customers who may pay in cash on record"),
    "supply.arrival": _("see when the goods come"),
    "supply.ask_factories": _("ask the factories"),
    "supply.cash_candidates": _("find who may settle in cash"),
    "supply.decline": _("record the refusal"),
    "supply.dispatch_replenishment": _("send the replenishment"),
    "supply.expect_shipment": _("note the day that was promised"),
    "supply.find_substitutes": _("look for substitutes of the price class"),
    "supply.look_at_supply": _("compare stock, demand and goods under way"),
    "supply.take_up_warnings": _("take up the early warnings"),
    "supply.tell_cash_customers": _("tell the customers who may pay in cash"),
    "supply.tell_corrected": _("tell the customers whose settlement was wrong"),
    "supply.merge_into_order": _("add it to the regular order"),
    "supply.replenish_key_customers": _("replenish key customers"),
    "supply.join_network_stores": _("record the network store"),
    "supply.set_care": _("record the assessment"),
    "supply.tell_customer": _("tell the customer"),
    "supply.tell_retailer": _("tell the customer"),
    "supply.tilt_counts": _("count the customers of each class"),
    "supply.tilt_sum": _("sum by district, class and grade"),
}
TOLD_BY_OTHERS = ("task", "task-late", "task-moved", "task-vacant")
"""Templates of notices about tasks: the tasks' own facts say the same."""
_PEOPLE = ("holder", "to", "from", "by", "commander", "deputy_commander", "acting", "person")
_MOMENTS = ("due_at", "starts_at", "ends_at", "expires_at")


@dataclass
class Names:
    """What the numbers and identifiers of entries are called."""

    pack: Pack | None = None
    procedure: Procedure | None = None
    people: Mapping[str, str] = field(default_factory=dict)

    def person(self, staff_no: object) -> str:
        if not staff_no:
            return str(gettext_lazy("nobody"))
        return self.people.get(str(staff_no), str(staff_no))

    def role(self, role: str) -> str:
        return showing.role_title(self.pack, role) if self.pack else role

    def item(self, item: str) -> str:
        """The title of a task, or of the stage of an action."""
        step = self.procedure.step(item) if self.procedure else None
        if step is None or self.pack is None:
            return item
        key = item.partition("@")[2]
        return (showing.say(step.title) if step.title else self.stage(step.stage)) + (
            f" ({key})" if key else ""
        )

    def mark(self, item: str, mark: str) -> str:
        """What people call the mark of a count-down."""
        step = self.procedure.step(item) if self.procedure else None
        marks = step.countdown.marks if step and step.countdown else ()
        return next((showing.say(one.title) for one in marks if one.id == mark and one.title), mark)

    def template(self, template: object) -> str:
        known = self.pack.templates.get(str(template)) if self.pack else None
        return showing.say(known.title).replace("{number} ", "") if known else ""

    def stage(self, stage: str) -> str:
        stages = self.procedure.stages if self.procedure else ()
        return next((showing.say(one.title) for one in stages if one.id == stage), stage)


def names_for(entries: Iterable[Entry], pack: Pack | None, procedure: str) -> Names:
    """Look up everybody whom the entries name: one query."""
    wanted: set[str] = set()
    for entry in entries:
        for key in (*_PEOPLE, "asked"):
            value = entry.data.get(key)
            wanted |= {value} if isinstance(value, str) else set()
            wanted |= {one for one in value if isinstance(one, str)} if isinstance(value, list) else set()
    people = dict(Person.objects.filter(staff_no__in=wanted - {""}).values_list("staff_no", "name"))
    found = pack.procedures.get(procedure) if pack else None
    return Names(pack, found, people)


def timeline(
    entries: Sequence[Entry], pack: Pack | None, procedure: str, *, runs: Sequence[Run] = ()
) -> list[TimelineEntry]:
    """Entries as sentences, in the order given. One query. `runs`: those whose steps are called otherwise."""
    names = names_for(entries, pack, procedure)
    of_run = {run.uuid: _names_of_run(run, names) for run in runs}
    return [told(entry, of_run.get(entry.run, names) if entry.run else names) for entry in entries]


def _names_of_run(run: Run, names: Names) -> Names:
    pack = pack_for(run.plan_version)
    return replace(names, pack=pack, procedure=pack.procedures.get(run.procedure))


def told(entry: Entry, names: Names, *, of: Incident | None = None) -> TimelineEntry:
    """One fact as a sentence, with the way to its incident if given; a kind without one is shown by its name."""
    sentence = TABLE.get(entry.kind, Sentence(entry.kind.replace("%", "%%")))
    values = _values(entry, names)
    late = float(entry.data.get("late_seconds") or 0) > 0
    return TimelineEntry(
        at=entry.at,
        text=str(sentence.text) % values,
        actor=entry.actor_label.partition(" (")[0],
        icon=sentence.icon,
        tone=sentence.tone,
        detail=(str(sentence.detail) % values).strip(),
        clause=showing.clause(entry.clause, names.pack),
        late=late,
        simulated=journal.is_simulated(entry),
        url=reverse("incident", args=[of.uuid]) if of else "",
        url_label=of.number if of else "",
    )


def _values(entry: Entry, names: Names) -> Mapping[str, str]:
    """Everything a sentence may name; what an entry does not say is empty."""
    data: dict[str, Any] = entry.data
    values = {key: _plain(value) for key, value in data.items()}
    values |= {key: names.person(data[key]) for key in _PEOPLE if isinstance(data.get(key), str)}
    values |= {key: showing.local(data[key]) for key in _MOMENTS if data.get(key)}
    values |= {
        key: _word(data[key]) for key in ("level", "before", "option", "outcome", "fallback") if key in data
    }
    if isinstance(data.get("headline"), dict):
        values["headline"] = showing.say(data["headline"])
    if "action" in data:
        values["action"] = str(ACTIONS.get(str(data["action"]), data["action"]))
    if names.pack and data.get("plan"):
        values["plan"] = showing.say(names.pack.titles)
    if isinstance(data.get("why"), str):
        values["why"] = str(WORDS.get(data["why"]) or showing.WHY.get(data["why"], data["why"]))
    if isinstance(data.get("role"), str):
        values["role"] = names.role(data["role"])
    if isinstance(data.get("stage"), str):
        values["stage"] = names.stage(data["stage"])
    if isinstance(data.get("asked"), list):
        values["asked"] = "、".join(names.person(one) for one in data["asked"])
    if isinstance(data.get("to"), list):
        values["to"] = "、".join(str(one).partition(" (")[0] for one in data["to"])
    if isinstance(data.get("options"), list):
        values["options"] = "、".join(_word(one.get("kind", "")) for one in data["options"])
    if "mark" in data:
        values["mark"] = names.mark(entry.item, str(data["mark"]))
    if "called" in data:
        called = names.pack.procedures.get(str(data.get("procedure"))) if names.pack else None
        values["called"] = showing.say(called.title) if called else str(data.get("procedure"))
    if "ended" in data:
        values["ended"] = _word(data["ended"])
    if "refused" in data:
        values["verdict"] = str(WORDS["refused"]) if data["refused"] else str(gettext_lazy("eligible"))
    values["item"] = names.template(data.get("template")) or (names.item(entry.item) if entry.item else "")
    values["answer"] = _answer(data.get("result"), entry.item, names)
    return defaultdict(str, values)


def _answer(result: object, item: str, names: Names) -> str:
    """What was decided, in the words of its option."""
    if not isinstance(result, dict):
        return ""
    if "approved" in result:
        return str(WORDS["approved" if result["approved"] else "refused"])
    step = names.procedure.step(item) if names.procedure else None
    options = step.task.options if step and step.task else ()
    return next((showing.say(one.title) for one in options if one.id == result.get("option")), "")


def _plain(value: object) -> str:
    if isinstance(value, list):
        return "、".join(str(one) for one in value)
    return "" if value is None or isinstance(value, dict) else str(value)


def _word(value: object) -> str:
    return str(WORDS.get(str(value), value))
