"""The verbs of the room, by what they are about."""

from changbei.incidents.services.closing import change_level, close, declare_all_clear, restored
from changbei.incidents.services.command import authorise, reassess_command
from changbei.incidents.services.customers import (
    make_call_list,
    notify_customers,
    public_notice,
    tell_contacts,
)
from changbei.incidents.services.lines import decide_lines, end_hold
from changbei.incidents.services.outages import record_fallback
from changbei.incidents.services.reporting import ReportAnswer, report
from changbei.incidents.services.sources import poll, poll_due, pushed, receive_file, save_source
from changbei.incidents.services.suspending import extend, resume, suspend
from changbei.incidents.services.warnings import (
    Received,
    announce_expired,
    receive_warning,
    start_from_warning,
)
from changbei.incidents.translated import headline_of, words_for

__all__ = [
    "Received",
    "ReportAnswer",
    "announce_expired",
    "authorise",
    "change_level",
    "close",
    "decide_lines",
    "declare_all_clear",
    "end_hold",
    "extend",
    "headline_of",
    "make_call_list",
    "notify_customers",
    "poll",
    "poll_due",
    "public_notice",
    "pushed",
    "reassess_command",
    "receive_file",
    "receive_warning",
    "record_fallback",
    "report",
    "restored",
    "resume",
    "save_source",
    "start_from_warning",
    "suspend",
    "tell_contacts",
    "words_for",
]
