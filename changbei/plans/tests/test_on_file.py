"""What the printed plan takes from the database: versions, signatures, vans, and phone numbers only when asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from changbei.core import clock
from changbei.network.city import City
from changbei.people.models import Contact, PostHolding
from changbei.plans import loading, services
from changbei.plans.models import PlanDraft, PlanVersion, Signature
from changbei.plans.rendering import official
from changbei.plans.rendering.model import Grid, words_of
from changbei.plans.rendering.on_file import annex_of
from changbei.testing.city import SHIPPED

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(small_city: City) -> PlanVersion:
    return services.adopt(SHIPPED, actor=None)


def test_a_version_brings_its_date_its_history_and_the_vans_of_each_site(version: PlanVersion) -> None:
    pack = loading.pack_for(PlanVersion.objects.get(pk=version.pk))
    annex = annex_of(pack, "en", contacts=False)
    assert annex.effective_on == version.effective_on
    assert [(one.version, one.in_force, one.digest) for one in annex.revisions] == [
        (pack.version, True, pack.digest)
    ]
    assert annex.contacts is None
    assert all(one.vans >= one.reserves >= 1 and one.capacity_cartons > 0 for one in annex.vehicles)
    assert annex.figures["Delivery vans"] == sum(one.vans for one in annex.vehicles)


def test_a_pack_that_was_never_adopted_is_a_draft(small_city: City) -> None:
    pack = loading.load_pack(loading.read_folder(SHIPPED), check_actions=False)
    assert annex_of(pack, "zh-Hans", contacts=False).effective_on is None


def test_signatures_of_these_very_files_stand_on_the_approval_page(version: PlanVersion) -> None:
    pack = loading.pack_for(PlanVersion.objects.get(pk=version.pk))
    head = PostHolding.objects.filter(post__kind="leading-group-head", rank=1)[0].person
    deputy = PostHolding.objects.filter(post__kind="leading-group-deputy", rank=1)[0].person
    now = clock.now()
    draft = PlanDraft.objects.create(
        pack=pack.id,
        files={},
        digest=pack.digest,
        begun_at=now,
        begun_by=head,
        reason="年度修订",
        adopted=version,
    )
    for person, post, digest, signed, minutes in (
        (deputy, "leading-group-deputy", pack.digest, True, 2),
        (head, "leading-group-head", pack.digest, True, 1),
        (head, "leading-group-head", "0" * 64, True, 0),  # other files
    ):
        Signature.objects.create(
            draft=draft,
            person=person,
            post=post,
            digest=digest,
            signed=signed,
            at=now + timedelta(minutes=minutes),
        )
    annex = annex_of(pack, "zh-Hans", contacts=False)
    assert [one.remark for one in annex.revisions] == ["年度修订"]
    assert [(one.name, one.post) for one in annex.signed] == [
        (head.name, "领导小组组长"),
        (deputy.name, "领导小组副组长"),
    ]
    table = next(one for one in official.document(pack, "zh-Hans", annex).before if isinstance(one, Grid))
    assert [words_of(row[0].lines[0]) for row in table.rows] == [head.name, deputy.name]


def test_contacts_name_holders_and_deputies_of_the_plans_posts_and_bodies_outside(
    version: PlanVersion,
) -> None:
    pack = loading.pack_for(PlanVersion.objects.get(pk=version.pk))
    found = annex_of(pack, "zh-Hans", contacts=True).contacts
    assert found is not None
    head = PostHolding.objects.filter(post__kind="leading-group-head", rank=1)[0].person
    first = next(one for one in found.staff if one.role == "head")
    assert (first.rank, first.name, first.phone) == (1, head.name, head.phone)
    assert {one.role for one in found.staff} <= set(pack.roles)
    assert len(found.outside) == Contact.objects.count() > 0
