"""`changbei backup`, `changbei register` and `changbei readiness` as processes on a database of their own."""

from __future__ import annotations

import json
from pathlib import Path

from changbei.site.tests.test_city_commands import changbei

__all__ = ["changbei"]


def test_scripts_report_backups_and_files_change_registers(changbei, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    changbei("migrate")
    changbei("city", "make", "--retailers", "60", "--start-on", "2026-11-16")
    taken = ("backup", "record", "--system", "marketing-system", "--taken-at", "2026-11-16T20:30")
    assert changbei(*taken) == "marketing-system: backup of 2026-11-16 20:30 recorded\n"
    assert changbei(*taken, "--stored-at", "2026-11-16T22:00", "--medium", "T9").endswith(
        "recorded, in the tape library 2026-11-16 22:00\n"
    )
    assert "future" in changbei("backup", "record", "--system", "x", "--taken-at", "2099-01-01T00:00", code=1)
    drill = changbei(
        "backup", "drill", "--system", "marketing-system", "--seconds", "1800", "--on", "2026-11-17"
    )
    assert drill == "marketing-system: restore drill of 2026-11-17 recorded, 1800 s\n"

    rows = [
        json.loads(line) for line in changbei("register", "list", "backups", "--as", "CB0001").splitlines()
    ]
    newest = rows[0]
    assert (newest["medium"], newest["taken_at"][:16]) == ("T9", "2026-11-16T12:30")

    (tmp_path / "spares.csv").write_text(
        "kind,site,planned,present\nrouter,delivery-center,2,1\n", encoding="utf-8"
    )
    head = next(
        json.loads(line)["staff_no"]
        for line in changbei("register", "list", "staff-phones", "--as", "CB0001").splitlines()
        if json.loads(line)["unit"] == "info-center"
    )
    assert changbei("register", "import", "spares", "spares.csv", "--as", head) == "spares: 1 rows\n"
    spares = [json.loads(line) for line in changbei("register", "list", "spares", "--as", head).splitlines()]
    assert [(one["planned"], one["present"]) for one in spares if one["kind"] == "router"] == [(2, 1)]

    wrong = "备件\n\nkind,site,planned,present\nrouter,delivery-center,2,1\n\nrouter,nowhere,many,1\n"
    (tmp_path / "wrong.csv").write_text(wrong, encoding="utf-8")
    said = changbei("register", "import", "spares", "wrong.csv", "--as", head, code=1)
    assert all(line.startswith("wrong.csv:6: ") for line in said.removeprefix("Error: ").splitlines()), said
    (tmp_path / "binary.csv").write_bytes(b"PK\x03\x04\xff\xfe\xff")
    said = changbei("register", "import", "spares", "binary.csv", "--as", head, code=1)
    assert said == "Error: binary.csv: 文本编码无法识别；请另存为UTF-8\n"
