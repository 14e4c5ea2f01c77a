"""The words of the checker: for each kind of finding what is wrong, and what would mend it. `%(name)s` is filled."""

from __future__ import annotations

from collections.abc import Mapping


def gettext_noop(text: str) -> str:
    """Marks a text for the catalogs; this package knows no Django."""
    return text


def _words(what: str, mend: str) -> tuple[str, str]:
    return what, mend


WORDS: Mapping[str, tuple[str, str]] = {
    # --- found while reading the files
    "load": _words("%(what)s.", "%(mend)s"),
    # --- clauses
    "clause-unfulfilled": _words(
        gettext_noop("Nothing fulfils clause %(clause)s."),
        gettext_noop(
            "Name under fulfilled_by the procedure, check, table or registry that carries it out, or cite it in a step."
        ),
    ),
    "clause-uncited": _words(
        gettext_noop("Clause %(clause)s is cited nowhere: %(by)s does not name it."),
        gettext_noop("Cite it in the step that carries it out, or say in fulfilled_by which step that is."),
    ),
    # --- what is there and not used
    "setting-unused": _words(
        gettext_noop("Setting %(name)s is used nowhere."),
        gettext_noop("Use it as setting.%(name)s in a condition, a time limit or a check, or take it out."),
    ),
    "role-unused": _words(
        gettext_noop("Role %(name)s is used nowhere."),
        gettext_noop("Give it a step or a place in a chain, or take it out."),
    ),
    "ladder-unused": _words(
        gettext_noop("Ladder %(name)s is used nowhere."),
        gettext_noop("Use it under overdue, or take it out."),
    ),
    "audience-unused": _words(
        gettext_noop("Audience %(name)s is used nowhere."),
        gettext_noop("Address it in a notify step, or take it out."),
    ),
    "table-unused": _words(
        gettext_noop("Nothing asks table %(name)s."),
        gettext_noop("Ask it in a procedure (level, limit), name it in fulfilled_by, or take it out."),
    ),
    "message-unused": _words(
        gettext_noop("Message %(name)s is used nowhere."), gettext_noop("Send it in a step, or take it out.")
    ),
    "placeholder-missing": _words(
        gettext_noop("Message %(name)s contains {%(placeholder)s}, which %(by)s does not fill."),
        gettext_noop("Take {%(placeholder)s} out; it fills: %(given)s."),
    ),
    "message-missing": _words(
        gettext_noop("There is no message %(name)s, which %(by)s sends."),
        gettext_noop("Write messages/%(name)s.yaml, or name a message that is there."),
    ),
    # --- tasks
    "no-limit": _words(
        gettext_noop("Step %(step)s has no time limit."),
        gettext_noop("Say under within how long it may take."),
    ),
    "no-escalation": _words(
        gettext_noop("Step %(step)s has nobody to escalate to."),
        gettext_noop("Say under overdue whom to tell: roles, or a ladder."),
    ),
    "escalates-to-itself": _words(
        gettext_noop("The chain of step %(step)s holds only its own role %(role)s."),
        gettext_noop("Let the chain lead to somebody above."),
    ),
    "acknowledge-after-limit": _words(
        gettext_noop("Step %(step)s may be acknowledged later than it has to be done."),
        gettext_noop("Make acknowledge_within shorter than within."),
    ),
    "approves-own-work": _words(
        gettext_noop(
            "Step %(step)s needs somebody other than %(other)s, but both are done by role %(role)s."
        ),
        gettext_noop("Give one of the two steps to another role."),
    ),
    # --- conditions
    "never-produced": _words(
        gettext_noop("%(what)s is never produced: %(why)s."),
        gettext_noop("Use one of: %(known)s."),
    ),
    "unknown-fact": _words(
        gettext_noop("No room records the fact %(fact)s."), gettext_noop("Facts there are: %(known)s.")
    ),
    "unknown-option": _words(
        gettext_noop("The condition asks for %(option)s, which decision %(step)s does not offer."),
        gettext_noop("Options there are: %(known)s."),
    ),
    "unknown-choice": _words(
        gettext_noop("The condition asks for %(option)s, which %(field)s cannot be."),
        gettext_noop("Choices there are: %(known)s."),
    ),
    "option-unused": _words(
        gettext_noop(
            "Option %(option)s of decision %(step)s leads to the same as %(other)s: no condition tells them apart."
        ),
        gettext_noop("Ask for it in a condition, or take it out."),
    ),
    "decision-unused": _words(
        gettext_noop("Nothing depends on decision %(step)s."),
        gettext_noop("Use decision.%(key)s in a condition, or make it a task."),
    ),
    "waits-for-itself": _words(
        gettext_noop("%(what)s waits for %(other)s, which comes only after it."),
        gettext_noop("Ask for something that comes before, or move the step."),
    ),
    "never-holds": _words(
        gettext_noop("The condition of %(what)s never holds."),
        gettext_noop("Correct it, or take the step out."),
    ),
    "never-reached": _words(
        gettext_noop("%(what)s was not reached in %(walks)s ways through the procedure."),
        gettext_noop("See whether its condition contradicts that of what comes before."),
    ),
    "cannot-be-left": _words(
        gettext_noop("The procedure can stop for ever at %(what)s: %(why)s."),
        gettext_noop("Give it a way out: a time limit, a condition that comes true, a step by hand."),
    ),
    "condition-fails": _words(
        gettext_noop("%(which)s of %(what)s cannot always be evaluated: %(why)s."),
        gettext_noop("Ask with has(…) before reading what may be missing."),
    ),
    # --- what the product offers
    "unknown-check": _words(
        gettext_noop("The product has no check of the kind %(name)s."),
        gettext_noop("Kinds there are: %(known)s."),
    ),
    "check-param": _words(
        gettext_noop("Check %(check)s: %(param)s: %(why)s."), gettext_noop("Its kind takes: %(known)s.")
    ),
    "param-type": _words(
        gettext_noop("Action %(action)s takes %(wanted)s as %(param)s; this gives %(given)s."),
        gettext_noop("Give it %(wanted)s."),
    ),
    # --- tables
    "table-overlap": _words(
        gettext_noop("Table %(table)s: rows %(rows)s both match when %(when)s, but it is UNIQUE."),
        gettext_noop("Narrow one of the rows, or use FIRST."),
    ),
    "table-hole": _words(
        gettext_noop("Table %(table)s: no row matches when %(when)s."),
        gettext_noop("Add a row, or write partial: true when no row is an answer too."),
    ),
    "table-row-dead": _words(
        gettext_noop("Table %(table)s: row %(row)s never decides."),
        gettext_noop("Correct its condition, or take it out."),
    ),
    # --- roster
    "nobody": _words(
        gettext_noop("Nobody can hold role %(role)s%(where)s %(when)s%(scenario)s; it has %(steps)s."),
        gettext_noop(
            "Appoint a deputy to %(source)s, put somebody on duty, or name a substitute for who is away."
        ),
    ),
    "chain-to-nobody": _words(
        gettext_noop("Step %(step)s%(where)s escalates to nobody %(when)s%(scenario)s: %(chain)s."),
        gettext_noop("Put a role at the end of the chain that somebody holds at every hour."),
    ),
    "chain-to-same-person": _words(
        gettext_noop(
            "Step %(step)s%(where)s escalates only to %(who)s, who has the task already, %(when)s%(scenario)s."
        ),
        gettext_noop("Put a role at the end of the chain that somebody else holds."),
    ),
    "same-person": _words(
        gettext_noop(
            "Steps %(step)s and %(other)s need two people, but %(who)s holds both roles%(where)s %(when)s%(scenario)s."
        ),
        gettext_noop("Appoint a deputy to one of the two posts, or give the step to another role."),
    ),
    "audience-empty": _words(
        gettext_noop("Audience %(name)s is empty."),
        gettext_noop("Correct whom it names, or record the people, customers or contacts it means."),
    ),
    "contact-missing": _words(
        gettext_noop("The contact list has nobody for %(wanted)s."),
        gettext_noop("Record the contact, with a number."),
    ),
    "contact-no-number": _words(
        gettext_noop("Contact %(who)s has no number."), gettext_noop("Record a number that reaches them.")
    ),
    "contact-unreviewed": _words(
        gettext_noop("Contact %(who)s was last reviewed %(days)s days ago; the limit is %(limit)s."),
        gettext_noop("Call the number and record the date of review."),
    ),
    "one-way-to-reach": _words(
        gettext_noop("%(who)s holds %(roles)s and can be reached in %(ways)s way only."),
        gettext_noop("Record a second number or an e-mail address."),
    ),
    "unknown-post": _words(
        gettext_noop("There is no post of the kind %(post)s, which role %(role)s follows."),
        gettext_noop("Correct the kind, or create the post. Nearest: %(known)s."),
    ),
    "procedure-taken": _words(
        gettext_noop("The plan %(plan)s, which is in force, has a procedure %(name)s as well."),
        gettext_noop("Give this one an id of its own: reports would go to one of the two only."),
    ),
    "acting-missing": _words(
        gettext_noop("Nobody is named who acts while both leaders are away: the head commands from afar."),
        gettext_noop("Add the table acting-commander, which says from the family which post acts."),
    ),
    "acting-post": _words(
        gettext_noop("There is no post of the kind %(post)s, which is to act while both leaders are away."),
        gettext_noop("Correct the kind, or create the post. Nearest: %(known)s."),
    ),
}
