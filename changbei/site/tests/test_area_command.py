"""`changbei area` as a process on a database of its own."""

from __future__ import annotations

import json
from pathlib import Path

from changbei.site.tests.test_city_commands import changbei

__all__ = ["changbei"]

TOWN = '代码,名称,轮廓\n990101101000,甲镇,"POLYGON((0 0,1 0,1 1,0 1,0 0))"\n'


def test_areas_are_loaded_and_found(changbei, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    changbei("migrate")
    changbei("city", "make", "--retailers", "60", "--start-on", "2026-11-16")
    (tmp_path / "towns.csv").write_text(TOWN, encoding="utf-8")
    (tmp_path / "wrong.csv").write_text(TOWN.replace("甲镇", ""), encoding="utf-8")
    assert changbei("area", "import", "towns.csv", "--check").endswith(
        "1 areas, nothing wrong; nothing written\n"
    )
    assert "name" in changbei("area", "import", "wrong.csv", code=1)
    found = json.loads(changbei("area", "import", "towns.csv", "--json"))
    assert found == {"areas": 1, "added": 1, "changed": 0, "checked_only": False}
    assert changbei("area", "import", "towns.csv") == "towns.csv: 0 areas added, 1 replaced\n"
    assert "gcj02" in changbei("area", "import", "towns.csv", "--coordinates", "mars", code=2)
    assert changbei("area", "find", "990101101000") == "990101101: 0 customers\n"
    assert changbei("area", "find", "990100").endswith(": 60 customers\n")
    assert changbei("area", "find", "990102101000").endswith("the county it lies in was taken\n")
