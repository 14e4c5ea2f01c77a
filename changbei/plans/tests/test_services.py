from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from changbei.core import clock
from changbei.core.errors import Invalid, NotFound
from changbei.journal.models import Entry
from changbei.plans import selectors, services
from changbei.plans.loading import pack_for
from changbei.plans.models import PlanVersion
from changbei.plans.tests import packs

pytestmark = pytest.mark.django_db
GO = packs.stage("go", f"id: a, {packs.TASK}")


def write(folder: Path, **changes: str) -> Path:
    for name, text in packs.files(GO, **changes).items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def version(number: str, day: str = "2026-01-01") -> str:
    return packs.with_lines(packs.PLAN, {'version: "1"': f'version: "{number}"', "2026-01-01": day})


def told() -> list[tuple[str, str]]:
    return [(entry.kind, entry.data["version"]) for entry in Entry.objects.order_by("id")]


def test_adopting_puts_the_version_in_force_and_says_so(tmp_path: Path) -> None:
    found = services.adopt(write(tmp_path), actor=None)
    assert selectors.in_force("test-plan") == found
    assert found.files == packs.files(GO)
    assert found.effective_on == date(2026, 1, 1)
    assert selectors.pack_in_force("test-plan").procedures["breakdown"].steps["a"].clause == "E1.1"
    assert pack_for(selectors.in_force("test-plan")) is selectors.pack_in_force("test-plan")
    assert told() == [("plans.adopted", "1"), ("plans.put_in_force", "1")]


def test_a_new_version_takes_over_and_the_old_one_can_come_back(tmp_path: Path) -> None:
    old = services.adopt(write(tmp_path / "old"), actor=None)
    new = services.adopt(write(tmp_path / "new", plan=version("2")), actor=None)
    assert selectors.in_force("test-plan") == new
    assert services.adopt(tmp_path / "old", actor=None) == old
    assert selectors.in_force("test-plan") == old
    assert [found.version for found in selectors.versions("test-plan")] == ["2", "1"]
    assert PlanVersion.objects.filter(in_force=True).count() == 1


def test_adopting_the_version_in_force_again_changes_nothing(tmp_path: Path) -> None:
    services.adopt(write(tmp_path), actor=None)
    services.adopt(tmp_path, actor=None)
    assert PlanVersion.objects.count() == 1
    assert len(told()) == 2


def test_a_version_takes_effect_on_its_day(tmp_path: Path) -> None:
    today = clock.local_now().date()
    old = services.adopt(write(tmp_path / "old"), actor=None)
    tomorrow = today + timedelta(days=1)
    new = services.adopt(write(tmp_path / "new", plan=version("2", tomorrow.isoformat())), actor=None)
    assert not new.in_force
    assert selectors.in_force("test-plan") == old
    assert services.take_effect(actor=None) == []
    with clock.use(clock.VirtualClock(clock.now() + timedelta(days=1))):
        assert services.take_effect(actor=None) == [new]
        assert services.take_effect(actor=None) == []
    assert selectors.in_force("test-plan") == new
    assert told()[-1] == ("plans.put_in_force", "2")


def test_a_wrong_pack_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    folder = write(tmp_path, table=packs.TABLE.replace("hit: FIRST", "hit: LAST"))
    with pytest.raises(Invalid, match="'LAST' is not allowed"):
        services.adopt(folder, actor=None)
    assert PlanVersion.objects.count() == 0
    assert told() == []
    with pytest.raises(NotFound):
        selectors.in_force("test-plan")


def test_what_was_put_in_force_meanwhile_is_not_replaced_by_what_is_older(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = clock.local_now().date()
    tomorrow, after = (str(today + timedelta(days=days)) for days in (1, 2))
    services.adopt(write(tmp_path / "1"), actor=None)
    services.adopt(write(tmp_path / "2", plan=version("2", tomorrow)), actor=None)
    third, lock = write(tmp_path / "3", plan=version("3", after)), services.lock

    def somebody_adopts_first(pack_id: str) -> None:
        monkeypatch.setattr(services, "lock", lock)
        services.adopt(third, actor=None)
        lock(pack_id)

    monkeypatch.setattr(services, "lock", somebody_adopts_first)
    with clock.use(clock.VirtualClock(clock.now() + timedelta(days=2))):
        assert services.take_effect(actor=None) == []
    assert selectors.in_force("test-plan").version == "3"
