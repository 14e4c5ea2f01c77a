"""Transport papers that have to name another van: listed on the pages of the day and of a recovery, and ticked off."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from changbei.core.errors import NotFound
from changbei.delivery import services
from changbei.delivery.models import TransportPapers
from changbei.people import access as people
from changbei.web import entry, htmx


def listed(needed: QuerySet[TransportPapers]) -> list[TransportPapers]:
    """As `web/delivery/papers.html` shows them: those that are not written first."""
    rows = needed.select_related("vehicle__site", "from_vehicle", "written_by")
    return list(rows.order_by("-written_at", "pk"))


@entry.staff
@require_POST
def written(request: HttpRequest, papers: int) -> HttpResponse:
    """The transport papers of a van are written."""
    people.require(request.user, "delivery.see")
    found = TransportPapers.objects.select_related("vehicle", "case__run").filter(pk=papers).first()
    if found is None:
        raise NotFound(str(papers))
    services.papers_written(found, actor=entry.actor(request))
    messages.success(
        request, _("The papers of van %(van)s are noted as written.") % {"van": found.vehicle.number}
    )
    return htmx.go_to(request, entry.next_url(request, reverse("delivery")))


urlpatterns = [path("delivery/papers/<int:papers>/written", written, name="papers-written")]
