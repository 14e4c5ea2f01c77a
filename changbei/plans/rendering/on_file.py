"""What is on file for the printed plan: versions and signatures, who holds which role, vans, contacts."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import Count, Q, Sum

from changbei.core import clock
from changbei.core.texts import pick
from changbei.network.models import Retailer, Site, Vehicle
from changbei.people.models import Contact, DutyShift, Person, PostHolding, Unit
from changbei.plans.model import Pack
from changbei.plans.models import PlanDraft, PlanVersion, Signature
from changbei.plans.rendering.annex import (
    Annex,
    Contacts,
    OutsideContact,
    Revision,
    Signed,
    SiteVehicles,
    StaffContact,
)
from changbei.plans.rendering.words import Words

NO_ACTIONS: Mapping[str, str] = {}


def annex_of(pack: Pack, language: str, *, contacts: bool, actions: Mapping[str, str] = NO_ACTIONS) -> Annex:
    """`contacts`: with the personal data; whoever calls has asked whether the reader may have them."""
    say = Words(language)
    version = PlanVersion.objects.filter(pack=pack.id, digest=pack.digest).first()
    return Annex(
        effective_on=version.effective_on if version else None,
        signed=_signed(pack, say),
        revisions=_revisions(pack),
        contacts=_contacts(pack, say.language) if contacts else None,
        vehicles=_vehicles(say.language),
        figures=_figures(say),
        actions=actions,
        made_at=clock.local_now(),
    )


def _signed(pack: Pack, say: Words) -> tuple[Signed, ...]:
    """Who has signed exactly these files (E4), the first one first."""
    titles = {
        role.post: pick(role.title, say.language)
        for role in reversed(tuple(pack.roles.values()))
        if role.post
    }
    found = Signature.objects.filter(draft__pack=pack.id, digest=pack.digest, signed=True)
    return tuple(
        Signed(
            one.person.name,
            titles.get(one.post, one.post),
            one.at.astimezone(clock.LOCAL),
            one.words,
        )
        for one in found.select_related("person").order_by("at", "pk")
    )


def _revisions(pack: Pack) -> tuple[Revision, ...]:
    found = PlanVersion.objects.filter(pack=pack.id).order_by("-adopted_at", "-pk")
    reasons = dict(PlanDraft.objects.filter(adopted__pack=pack.id).values_list("adopted_id", "reason"))
    return tuple(
        Revision(
            one.version,
            one.effective_on,
            one.adopted_at.astimezone(clock.LOCAL),
            one.adopted_by,
            one.digest,
            one.in_force,
            reasons.get(one.pk, ""),
        )
        for one in found
    )


def _contacts(pack: Pack, language: str) -> Contacts:
    """Holders and deputies of posts, and who is on duty now for duties; three queries."""
    now = clock.now()
    posts = {role.post: role.id for role in reversed(tuple(pack.roles.values())) if role.post}
    duties = {role.duty: role.id for role in reversed(tuple(pack.roles.values())) if role.duty}
    holdings = (
        PostHolding.objects.filter(post__kind__in=posts, since__lte=now, person__active=True)
        .filter(Q(until__isnull=True) | Q(until__gt=now))
        .select_related("post__unit", "person")
        .order_by("post__unit__code", "rank", "pk")
    )
    staff = [_staff(posts[one.post.kind], one.rank, one.person, one.post.unit, language) for one in holdings]
    shifts = (
        DutyShift.objects.filter(post__kind__in=duties, starts_at__lte=now, ends_at__gt=now)
        .select_related("post__unit", "person")
        .order_by("post__unit__code", "pk")
    )
    staff += [_staff(duties[one.post.kind], 0, one.person, one.post.unit, language) for one in shifts]
    outside = [
        OutsideContact(
            pick(one.organisation, language),
            one.person,
            one.phone,
            one.email,
            ", ".join(one.serves),
            one.reviewed_on,
        )
        for one in Contact.objects.order_by("group", "code")
    ]
    return Contacts(tuple(staff), tuple(outside))


def _staff(role: str, rank: int, person: Person, unit: Unit, language: str) -> StaffContact:
    return StaffContact(role, rank, person.name, pick(unit.name, language), person.phone, person.second_phone)


def _vehicles(language: str) -> tuple[SiteVehicles, ...]:
    found = Site.objects.annotate(
        vans=Count("vehicles"),
        reserves=Count("vehicles", filter=Q(vehicles__is_reserve=True)),
        cartons=Sum("vehicles__capacity_cartons"),
    )
    return tuple(
        SiteVehicles(pick(site.unit.name, language), site.vans, site.reserves, site.cartons or 0)
        for site in found.select_related("unit").order_by("pk")
    )


def _figures(say: Words) -> dict[str, int]:
    """Numbers about the organisation; what is not on file is left out."""
    counts = {
        "people": Person.objects.filter(active=True).count(),
        "units": Unit.objects.count(),
        "sites": Site.objects.count(),
        "fleet": Vehicle.objects.count(),
        "retailers": Retailer.objects.count(),
    }
    return {say(name): count for name, count in counts.items() if count}
