"""A customer sees the own next delivery, without an account: by licence and telephone (E3.2.1, E3.2.2)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache

from changbei.core.texts import joined
from changbei.delivery import selectors as delivery
from changbei.incidents import suspensions
from changbei.network.models import Retailer
from changbei.supply import selectors as supply


class WhoForm(forms.Form):
    licence_no = forms.CharField(label=gettext_lazy("Licence number"), max_length=40)
    phone = forms.CharField(label=gettext_lazy("Telephone that we have of you"), max_length=40)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("licence_no") and given.get("phone"):
            found = Retailer.objects.select_related("line", "customer_manager").filter(
                licence_no=joined(given["licence_no"]), phone=joined(given["phone"]), active=True
            )
            self.retailer = found.first()
            if self.retailer is None:
                self.add_error(None, _("We know no customer with this licence and this telephone."))
        return given


@never_cache
def next_delivery(request: HttpRequest) -> HttpResponse:
    """One answer for whoever knows both numbers; which of them was wrong is not said."""
    form = WhoForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"form": form}
    if not request.user.is_authenticated:
        context["nav"] = []  # a customer has no use for the pages of the house
    if request.method == "POST" and form.is_valid() and form.retailer is not None:
        retailer = form.retailer
        context |= {
            "retailer": retailer,
            "next": delivery.next_delivery(retailer),
            "replenishments": supply.on_its_way(retailer),
            "suspension": suspensions.lasting_for(retailer),
        }
    status = 422 if request.method == "POST" and not form.is_valid() else 200
    return render(request, "web/next/page.html", context, status=status)


urlpatterns = [path("next/", next_delivery, name="next-delivery")]
