"""Tables as files: no cell is a formula, numbers stay numbers."""

from __future__ import annotations

import io
import zipfile

from changbei.core import sheets


def test_a_cell_is_never_a_formula() -> None:
    written = sheets.as_csv(["name", "cartons"], [["=HYPERLINK(1)", -4], ["@shop, a", 3]])
    assert written.decode("utf-8-sig") == "name,cartons\r\n'=HYPERLINK(1),-4\r\n\"'@shop, a\",3\r\n"


def test_a_workbook_keeps_words_as_words() -> None:
    written = sheets.as_xlsx("表", ["name", "cartons"], [["=1+1", 4]])
    with zipfile.ZipFile(io.BytesIO(written)) as file:
        sheet = file.read("xl/worksheets/sheet1.xml").decode()
        assert "=1+1" in file.read("xl/sharedStrings.xml").decode()
    assert "<f>" not in sheet and "<v>4</v>" in sheet
