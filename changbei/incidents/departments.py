"""Departments and who heads them now: to whom the group's orders and the morning's forecast go (E2.2, E3.2.9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from changbei.core.texts import Text
from changbei.people.models import Post
from changbei.people.resolution import RoleSpec, resolve_many
from changbei.people.rules import LEADING_GROUP

ORDERED = LEADING_GROUP[2:]
"""The posts that head the members of the leading group (E2.1a), without its head and deputy."""


@dataclass(frozen=True)
class Department:
    """A unit, the kind of post that heads it, and the staff number of whoever holds it now ("" for nobody)."""

    code: str
    name: Text
    post: str
    staff_no: str

    def to_json(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "name": dict(self.name),
            "title": self.name.get("zh-Hans", self.code),
            "post": self.post,
            "staff_no": self.staff_no,
        }


def headed_by(kinds: Sequence[str], codes: Sequence[str] | None, now: datetime) -> list[Department]:
    """The units with a post of these kinds, in the order of the kinds, each with its head, deputy or substitute.

    `codes`: only these posts' units; None or empty means all.
    """
    posts = Post.objects.filter(kind__in=list(kinds)).select_related("unit").order_by("code")
    wanted = [post for post in posts if not codes or _code(post) in codes]
    ordered = sorted(wanted, key=lambda post: (list(kinds).index(post.kind), post.unit.code))
    found = []
    for post in ordered:
        spec = RoleSpec(post=post.kind, scope="unit")
        holder = resolve_many({"head": spec}, {"unit": post.unit.code}, now)["head"]
        name = post.name if post.kind == "warehouse-head" else post.unit.name
        staff_no = holder.person.staff_no if holder.person else ""
        found.append(Department(_code(post), name, post.kind, staff_no))
    return found


def _code(post: Post) -> str:
    """Units are known by their code; the warehouse is a part of the delivery centre with a head of its own."""
    return "warehouse" if post.kind == "warehouse-head" else post.unit.code
