"""What the pages about posts, duty and absences share: fields, the form of an absence, roles that are held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from changbei.core.errors import ChangbeiError
from changbei.people import services
from changbei.people.models import Person
from changbei.plans.loading import pack_for
from changbei.runs import access
from changbei.runs.models import RoleHolding, Run
from changbei.web import entry, showing
from changbei.web.errors import refuse
from changbei.web.widgets import MomentField, PersonWidget, person_hit


def _is_near(moment: datetime) -> None:
    if not entry.is_near(moment.date()):
        raise forms.ValidationError(_("This day is too far away."))


class NearMomentField(MomentField):
    """Of a day near enough that plans are made for it."""

    default_validators = [_is_near]


class ColleagueField(forms.CharField):
    """A colleague who is still with the company; None when nobody was chosen. `suggested`: those who are offered
    before anything is typed.
    """

    def __init__(self, *, suggested: Sequence[Person] = (), **kwargs: Any) -> None:
        hits = [person_hit(one) for one in suggested]
        super().__init__(widget=PersonWidget(suggested=hits), **kwargs)

    def clean(self, value: Any) -> Any:
        staff_no = super().clean(value)
        if not staff_no:
            return None
        found = Person.objects.filter(staff_no=staff_no, active=True).first()
        if found is None:
            raise forms.ValidationError(_("There is no such colleague."))
        return found


class AbsenceForm(forms.Form):
    """From, until, where, and who stands in, as somebody says of themselves."""

    starts_at = NearMomentField(label=gettext_lazy("From"))
    ends_at = NearMomentField(label=gettext_lazy("Until"))
    out_of_city = forms.BooleanField(label=gettext_lazy("I am out of the city"), required=False)
    unreachable = forms.BooleanField(label=gettext_lazy("I cannot be reached by phone"), required=False)
    substitute = ColleagueField(label=gettext_lazy("Who stands in"), required=False)

    def record(self, person: Person, *, actor: Person) -> bool:
        """Record what was filled in; False when it cannot be, with the reasons in the form."""
        if not self.is_valid():
            return False
        given = dict(self.cleaned_data)
        reachable = not given.pop("unreachable")
        try:
            services.record_absence(person, **given, reachable=reachable, actor=actor)
        except ChangbeiError as error:
            refuse(self, error)
            return False
        return True


@dataclass(frozen=True)
class HeldRole:
    """A role in a run that goes on. `pinned`: handed over by a person, so that it stays through absences. `back`: where
    the reader gives it back.
    """

    number: str
    url: str
    title: str
    pinned: bool
    back: str


def held_roles(person: Person, reader: Person | None) -> list[HeldRole]:
    """What the person holds now in runs that go on and that the reader may read."""
    rows = RoleHolding.objects.filter(person=person, until=None, run__status=Run.Status.RUNNING)
    rows = (
        rows.exclude(run__in=access.hidden_runs(reader))
        .select_related("run__plan_version")
        .defer("run__plan_version__files")
    )
    return [
        HeldRole(
            one.run.number,
            showing.run_address(one.run),
            showing.role_title(pack_for(one.run.plan_version), one.role),
            one.pinned,
            reverse("role-back", args=[one.run.uuid, one.role])
            if one.pinned and reader is not None and access.may_hand_back(reader, one.run, one)
            else "",
        )
        for one in rows.order_by("run_id", "pk")
    ]
