"""Files as people send them: good ones, and everything Excel does to the others."""

import csv
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import xlsxwriter
from django.db import connection
from django.test.utils import CaptureQueriesContext
from python_calamine import load_workbook

from changbei.compute import datum
from changbei.core.errors import Invalid, NotAllowed
from changbei.journal.models import Entry
from changbei.network import imports
from changbei.network.imports import RowProblem, values
from changbei.network.imports.problems import Wrong
from changbei.network.models import Retailer, Vehicle
from changbei.people.models import Person, PostHolding

pytestmark = pytest.mark.usefixtures("small_city", "clock", "in_english")


HEADINGS = [
    "许可证号", "客户名称", "联系人", "联系电话", "经营地址", "经度", "纬度", "区县", "乡镇街道", "业态", "档位",
    "诚信等级", "订货日", "送货线路", "周均订货条数", "客户经理工号",
]  # fmt: skip


@pytest.fixture
def manager() -> Person:
    return Person.objects.filter(job="customer_manager").order_by("pk")[0]


@pytest.fixture
def row(manager: Person) -> list[Any]:
    """A retailer without a fault, under HEADINGS."""
    return [
        "990101900001", "甲子街道便利店900", "某甲子", "10020900001", "样城区9号", 122.61, 32.61, "样城区",
        "样城区中心", "便利店", 12, "A", "周五", "L01-1", 15, manager.staff_no,
    ]  # fmt: skip


def excel(
    path: Path, rows: list[list[Any]], sheet: str = "客户", before: dict[str, list[list[Any]]] | None = None
) -> Path:
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd"}) as workbook:
        for name, content in {**(before or {}), sheet: rows}.items():
            page = workbook.add_worksheet(name)
            for number, cells in enumerate(content):
                page.write_row(number, 0, cells)
    return path


def text_file(path: Path, rows: list[list[Any]], *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def changed(row: list[Any], number: int, **cells: Any) -> list[Any]:
    """The row as another retailer's, with some cells replaced."""
    values = dict(zip(HEADINGS, row, strict=True)) | {"许可证号": f"9901019{number:05d}"} | cells
    return [values[heading] for heading in HEADINGS]


def test_a_good_workbook_is_taken_over(tmp_path: Path, row: list[Any], manager: Person) -> None:
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS, row]), "retailers")
    assert parsed.problems == []
    assert imports.apply(parsed, actor=None) == imports.Imported(1, 0)
    shop = Retailer.objects.get(licence_no="990101900001")
    assert (shop.name, shop.phone, shop.longitude, shop.latitude) == (
        "甲子街道便利店900",
        "10020900001",
        122.61,
        32.61,
    )
    assert (shop.district.code, shop.place.name["en"]) == ("990101", "Sample Core District Centre")
    assert (shop.retail_format, shop.supply_tier, shop.order_weekday, shop.line.code) == (
        "convenience",
        12,
        5,
        "L01-1",
    )
    assert (shop.conduct, shop.marked_prices, shop.settlement) == ("law_abiding", True, "e_settlement")
    assert (shop.service_seconds, shop.window_start, shop.customer_manager) == (300, None, manager)
    others = Retailer.objects.filter(line=shop.line).exclude(pk=shop.pk)
    assert shop.line_sequence == max(others.values_list("line_sequence", flat=True)) + 1
    entry = Entry.objects.get(kind="network.imported")
    assert entry.data == {
        "kind": "retailers", "file": "a.xlsx", "sha256": parsed.sha256, "imported": 1, "left_out": 0,
    }  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_csv_in_any_encoding_and_delimiter(
    tmp_path: Path, row: list[Any], encoding: str, delimiter: str
) -> None:
    path = text_file(tmp_path / "a.csv", [HEADINGS, row], encoding=encoding, delimiter=delimiter)
    parsed = imports.read(path, "retailers")
    assert parsed.problems == []
    assert [good.values["name"] for good in parsed.rows] == ["甲子街道便利店900"]


def test_traditional_and_english_headings(tmp_path: Path, row: list[Any]) -> None:
    keys = imports.KINDS["retailers"].by_heading
    for language in ("zh-Hant", "en"):
        by_key = {c.key: c.heading[language] for c in imports.KINDS["retailers"].columns}
        headings = [by_key[keys[heading]] for heading in HEADINGS]
        parsed = imports.read(text_file(tmp_path / f"{language}.csv", [headings, row]), "retailers")
        assert parsed.problems == []
        assert len(parsed.rows) == 1


def test_big5_from_the_other_side_of_the_strait(tmp_path: Path, row: list[Any]) -> None:
    by_key = {c.key: c.heading["zh-Hant"] for c in imports.KINDS["retailers"].columns}
    headings = [by_key[imports.KINDS["retailers"].by_heading[heading]] for heading in HEADINGS]
    traditional = changed(
        row,
        1,
        客户名称="甲子鎮便利店",
        经营地址="樣城區九號",
        区县="樣城區",
        乡镇街道="樣城區中心",
        订货日="週五",
    )
    path = text_file(tmp_path / "a.csv", [headings, traditional], encoding="big5")
    parsed = imports.read(path, "retailers")
    assert parsed.problems == []
    assert parsed.rows[0].values["name"] == "甲子鎮便利店"


def test_a_title_above_and_headings_merged_over_two_rows(tmp_path: Path, row: list[Any]) -> None:
    upper = [heading if heading not in {"经度", "纬度"} else "位置" for heading in HEADINGS]
    lower = [heading if heading in {"经度", "纬度"} else "" for heading in HEADINGS]
    rows = [["零售客户一览表"], upper, lower, row]
    parsed = imports.read(excel(tmp_path / "a.xlsx", rows), "retailers")
    assert parsed.problems == []
    assert parsed.rows[0].row == 4


def test_spaces_stars_brackets_and_full_width_letters_in_headings(tmp_path: Path, row: list[Any]) -> None:
    headings = list(HEADINGS)
    headings[0], headings[1], headings[5] = " 许可 证号＊*", "客户\n名称", "经度（WGS-84）"
    assert imports.read(excel(tmp_path / "a.xlsx", [headings, row]), "retailers").problems == []


def test_full_width_digits_and_numbers_instead_of_texts(tmp_path: Path, row: list[Any]) -> None:
    wide = changed(row, 1, 联系电话="１００ ２０９０－０００１", 档位="１２", 经度="１２２．６１")
    number = changed(row, 2, 许可证号=990101900002.0, 联系电话=10020900002.0, 周均订货条数=15.0)
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS, wide, number]), "retailers")
    assert parsed.problems == []
    assert [good.values["phone"] for good in parsed.rows] == ["10020900001", "10020900002"]
    assert parsed.rows[0].values["supply_tier"] == 12
    assert parsed.rows[1].values["licence_no"] == "990101900002"


def test_what_excel_did_to_telephone_numbers_is_said(tmp_path: Path, row: list[Any]) -> None:
    rows = [
        changed(row, 1, 联系电话=datetime(2026, 11, 23)),  # noqa: DTZ001
        changed(row, 2, 联系电话="1.00209E+10"),
        changed(row, 3, 联系电话=100209.5),
        changed(row, 4, 联系电话="无"),
        changed(row, 5, 联系电话=""),
    ]
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS, *rows]), "retailers")
    shortened = "Excel has shortened the number; format the column as text and write it anew"
    assert [(p.row, p.column, p.value, p.message) for p in parsed.problems] == [
        (
            2,
            "联系电话",
            "2026-11-23",
            "Excel has made a date or time of it; format the column as text and write it anew",
        ),
        (
            3,
            "联系电话",
            "1.00209E+10",
            shortened,
        ),
        (4, "联系电话", "100209.5", shortened),
        (5, "联系电话", "无", "is no telephone number; write 5 to 15 digits"),
        (6, "联系电话", "", "is missing; Telephone: 5 to 15 digits, as text"),
    ]


@pytest.mark.parametrize(
    "cell", ["8812345/8812346", "88123／88124", "8812345、8812346", "8812345，8812346", "8812345; +86 8812346",
             "8812345\n8812346", "8812345 8812346", "0517-8812345 / 0517-8812346", "13800000001-13800000002"],
)  # fmt: skip
def test_two_telephone_numbers_in_a_cell_do_not_become_one(cell: str) -> None:
    with pytest.raises(Wrong, match="holds more than one telephone number; write one, of 5 to 15 digits"):
        values.phone(cell)


@pytest.mark.parametrize(
    ("cell", "number"),
    [("0517-8812345", "05178812345"), ("(0517)8812 3456", "051788123456"), ("+86 138 0000 0001", "+8613800000001"),
     ("0086/13800000001", "008613800000001"), ("8812345-8001", "88123458001"), ("021/8812345", "0218812345")],
)  # fmt: skip
def test_ways_of_writing_one_number(cell: str, number: str) -> None:
    assert values.phone(cell) == number


def test_a_cell_with_what_is_no_text_is_wrong(tmp_path: Path, row: list[Any]) -> None:
    rows = [
        HEADINGS,
        changed(row, 1, 客户名称="店\0一"),
        changed(row, 2, 送货线路="L01\0-1"),
        changed(row, 3),
    ]
    parsed = imports.read(text_file(tmp_path / "a.csv", rows), "retailers")
    message = "holds a character that is no text (NUL); write the cell anew"
    assert parsed.problems == [
        RowProblem(2, "客户名称", "店␀一", message),
        RowProblem(3, "送货线路", "L01␀-1", message),
    ]
    assert imports.apply(parsed, actor=None, good_rows_only=True) == imports.Imported(1, 2)


def test_every_wrong_field_of_a_row_is_named(tmp_path: Path, row: list[Any]) -> None:
    wrong = changed(row, 1, 档位=31, 诚信等级="E", 订货日="周日", 业态="书店", 周均订货条数="多")
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS, wrong]), "retailers")
    assert parsed.problems == [
        RowProblem(2, "业态", "书店", "must be one of: 超市, 便利店, 食杂店, 专营店, 宾馆, 售货亭"),
        RowProblem(2, "档位", "31", "must be a whole number from 1 to 30"),
        RowProblem(2, "诚信等级", "E", "must be one of: A, B, C, D"),
        RowProblem(2, "订货日", "周日", "must be a working day: 1 to 5, 周一 to 周五, Mon to Fri"),
        RowProblem(2, "周均订货条数", "多", "must be a whole number from 0 to 5000"),
    ]
    assert parsed.rows == []


def test_unknown_references_with_what_may_have_been_meant(tmp_path: Path, row: list[Any]) -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    rows = [
        changed(row, 1, 区县="样城縣区"),
        changed(row, 2, 送货线路="L01-9"),
        changed(row, 3, 客户经理工号=driver.staff_no),
        changed(row, 4, 乡镇街道="试原城关镇"),
    ]
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS, *rows]), "retailers")
    found = {(p.row, p.column): p.message for p in parsed.problems}
    assert found[2, "区县"] == "is not known; did you mean 样城区?"
    assert found[3, "送货线路"].startswith("is not known; did you mean l0")
    assert found[4, "客户经理工号"].startswith("is not known")
    assert found[5, "乡镇街道"].startswith("is not known")


def test_duplicates_in_the_file_and_in_the_database(tmp_path: Path, row: list[Any]) -> None:
    there = Retailer.objects.get(pk=1)
    rows = [row, changed(row, 2), row, changed(row, 1, 许可证号=there.licence_no)]
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS, *rows]), "retailers")
    assert parsed.problems == [
        RowProblem(4, "许可证号", "990101900001", "stands in row 2 already"),
        RowProblem(5, "许可证号", there.licence_no, "is in the database already"),
    ]
    assert [good.row for good in parsed.rows] == [2, 3]


def test_longitude_and_latitude_that_changed_places(tmp_path: Path, row: list[Any]) -> None:
    parsed = imports.read(
        excel(tmp_path / "a.xlsx", [HEADINGS, changed(row, 1, 经度=32.61, 纬度=122.61)]), "retailers"
    )
    message = "longitude and latitude have changed places"
    assert parsed.problems == [
        RowProblem(2, "经度", "32.61", message),
        RowProblem(2, "纬度", "122.61", message),
    ]


def test_delivery_hours_as_excel_keeps_them(tmp_path: Path, row: list[Any]) -> None:
    headings = [*HEADINGS, "最早收货", "最晚收货"]
    rows = [
        [*changed(row, 1), "8:30", "12：00"],
        [*changed(row, 2), 8.5 / 24, 0.5],
        [*changed(row, 3), "08:30", ""],
        [*changed(row, 4), "12:00", "08:30"],
        [*changed(row, 5), "morning", "noon"],
    ]
    parsed = imports.read(excel(tmp_path / "a.xlsx", [headings, *rows]), "retailers")
    times = [(good.values["window_start"], good.values["window_end"]) for good in parsed.rows]
    assert times == [(time(8, 30), time(12)), (time(8, 30), time(12))]
    assert [(p.row, p.column, p.message) for p in parsed.problems] == [
        (4, "最晚收货", "delivery hours need both a beginning and an end"),
        (5, "最晚收货", "must be after the beginning of the delivery hours"),
        (6, "最早收货", "must be a time such as 08:30"),
        (6, "最晚收货", "must be a time such as 08:30"),
    ]


def test_nothing_is_written_when_a_row_is_wrong_unless_asked_for(tmp_path: Path, row: list[Any]) -> None:
    path = excel(tmp_path / "a.xlsx", [HEADINGS, row, changed(row, 2, 档位=0), changed(row, 3)])
    parsed = imports.read(path, "retailers")
    with pytest.raises(Invalid) as refused:
        imports.apply(parsed, actor=None)
    assert [str(problem) for problem in refused.value.problems] == [
        "a.xlsx:3: 档位: '0' must be a whole number from 1 to 30"
    ]
    assert Retailer.objects.count() == 300
    assert imports.apply(parsed, good_rows_only=True, actor=None) == imports.Imported(2, 1)
    assert Retailer.objects.count() == 302


def test_a_thousand_errors_are_a_thousand_problems(tmp_path: Path, row: list[Any]) -> None:
    rows = [changed(row, number, 档位="x") for number in range(1, 1001)]
    path = excel(tmp_path / "a.xlsx", [HEADINGS, *rows])
    with CaptureQueriesContext(connection) as queries:
        parsed = imports.read(path, "retailers")
    assert len(parsed.problems) == 1000
    assert parsed.problems[999].row == 1001
    assert len(queries) <= 6
    imports.write_report(parsed, tmp_path / "report.xlsx")
    report = load_workbook(str(tmp_path / "report.xlsx"))
    assert len(report.get_sheet_by_name("问题 Problems").to_python()) == 1001


def test_the_report_can_be_corrected_and_imported(tmp_path: Path, row: list[Any]) -> None:
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS, changed(row, 1, 档位="x")]), "retailers")
    imports.write_report(parsed, tmp_path / "report.xlsx")
    report = load_workbook(str(tmp_path / "report.xlsx"))
    assert report.get_sheet_by_name("问题 Problems").to_python()[1] == [
        2.0, "档位", "x", "must be a whole number from 1 to 30",
    ]  # fmt: skip
    again = imports.read(tmp_path / "report.xlsx", "retailers")
    assert again.sheet == "更正 Correct here"
    assert [(p.column, p.value) for p in again.problems] == [("档位", "x")]


def test_the_right_sheet_is_found_and_a_wrong_one_is_said(tmp_path: Path, row: list[Any]) -> None:
    vans = [["车号", "车牌", "车型"], ["1", "样A·1", "van"]]
    path = excel(tmp_path / "a.xlsx", [HEADINGS, row], before={"说明": [["请填写下表"]], "车辆": vans})
    parsed = imports.read(path, "retailers")
    assert (parsed.sheet, parsed.problems) == ("客户", [])
    only_vans = excel(tmp_path / "b.xlsx", vans, sheet="车辆")
    refused = imports.read(only_vans, "retailers")
    assert len(refused.problems) == 1
    assert refused.problems[0].message.startswith(
        "no sheet (车辆) has the headings of this kind of file within its first ten rows; "
        "expected are: 许可证号, 客户名称"
    )
    assert not refused.is_usable
    with pytest.raises(Invalid):
        imports.apply(refused, good_rows_only=True, actor=None)


def test_a_missing_column_and_a_heading_that_stands_twice(tmp_path: Path, row: list[Any]) -> None:
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS[:-1], row[:-1]]), "retailers")
    assert parsed.problems == [
        RowProblem(
            0,
            "客户经理工号",
            "",
            "the column is missing; its heading is 客户经理工号 / 客戶經理工號 / Customer manager",
        )
    ]
    twice = imports.read(excel(tmp_path / "b.xlsx", [[*HEADINGS, "电话"], [*row, "1"]]), "retailers")
    assert twice.problems == [RowProblem(0, "电话", "", "the heading stands there twice")]


def test_unknown_columns_are_left_aside_and_said(tmp_path: Path, row: list[Any]) -> None:
    parsed = imports.read(excel(tmp_path / "a.xlsx", [[*HEADINGS, "备注"], [*row, "好"]]), "retailers")
    assert parsed.ignored_columns == ("备注",)
    assert parsed.problems == []


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"", "the file is empty"),
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"\xef\xbb\xbf\r\n,,\r\n", "the file is empty"),
        ("a.xlsx", b"this is no workbook", "this is not a workbook that can be read"),
        ("a.xls", b"\xd0\xcf\x11\xe0 broken", "this is not a workbook that can be read"),
        ("a.pdf", b"%PDF-1.7", "a file of this kind is not read; give .xlsx, .xls, .ods or .csv"),
        ("a.csv", b"\xff\xff\xff\xff", "the text is in an unknown encoding; save it as UTF-8"),
        ("a.csv", "许可证号~客户名称~联系人\n1~2~3\n".encode(), "no row has the headings of this kind of file"),
    ],
)  # fmt: skip
def test_files_that_are_none(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    parsed = imports.read(tmp_path / name, "retailers")
    assert [problem.row for problem in parsed.problems] == [0]
    assert parsed.problems[0].message.startswith(message)


@pytest.mark.parametrize("last", ["XFD1048576", "B1048576"])
def test_a_workbook_of_more_cells_than_anybody_has(tmp_path: Path, last: str) -> None:
    """A kilobyte that stands for billions of cells."""
    sheet = """<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
      <row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="%s"><v>2</v></c></row></sheetData></worksheet>"""
    plain, wide = excel(tmp_path / "plain.xlsx", [[1]]), tmp_path / "wide.xlsx"
    with ZipFile(plain) as before, ZipFile(wide, "w") as after:
        for name in before.namelist():
            after.writestr(name, sheet % last if name.endswith("/sheet1.xml") else before.read(name))
    parsed = imports.read(wide, "retailers")
    assert [problem.message for problem in parsed.problems] == [
        "the table is too large: at most 2,000,000 cells, empty ones between included"
    ]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("x" * 140_000, "the text cannot be split into cells; a quotation mark may have been left open"),
        ("," * 2_000_000, "the table is too large: at most 2,000,000 cells, empty ones between included"),
    ],
    ids=["long", "wide"],
)
def test_texts_that_are_no_table(tmp_path: Path, row: list[Any], cell: str, message: str) -> None:
    path = text_file(tmp_path / "a.csv", [HEADINGS, *[row] * 11])
    path.write_bytes(path.read_bytes() + cell.encode() + b"\r\n")
    assert [problem.message for problem in imports.read(path, "retailers").problems] == [message]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    parsed = imports.read(tmp_path / "none.csv", "retailers")
    assert parsed.problems[0].message == "the file cannot be opened: No such file or directory"


def test_headings_without_rows(tmp_path: Path) -> None:
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS]), "retailers")
    assert parsed.problems == [RowProblem(0, "", "", "there are headings, but no rows below them")]


def test_blank_rows_between_are_skipped_and_numbers_stay_right(tmp_path: Path, row: list[Any]) -> None:
    rows = [HEADINGS, [], row, ["", " "], changed(row, 2, 档位=99)]
    parsed = imports.read(excel(tmp_path / "a.xlsx", rows), "retailers")
    assert [good.row for good in parsed.rows] == [3]
    assert [problem.row for problem in parsed.problems] == [5]


def test_vehicles(tmp_path: Path) -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    headings = ["车号", "车牌", "车型", "所属站点", "载量（条）", "备用车", "上次检查", "保管人工号"]
    rows = [
        [901.0, "样A·90001", "4.2 m box van", "配送中心", "1,200", "是", "2026年11月20日", driver.staff_no],
        ["902", "样A·90002", "4.2 m box van", "transfer-station-2", 1000, "", "", ""],
        ["1", "样A·00001", "4.2 m box van", "月球站", 0, "也许", "昨天", "CB9999"],
    ]
    parsed = imports.read(excel(tmp_path / "v.xlsx", [headings, *rows]), "vehicles")
    assert {p.column for p in parsed.problems} == {
        "车号",
        "车牌",
        "所属站点",
        "载量（条）",
        "备用车",
        "上次检查",
        "保管人工号",
    }
    imports.apply(parsed, good_rows_only=True, actor=None)
    van = Vehicle.objects.get(number="901")
    assert (van.site.code, van.capacity_cartons, van.is_reserve, van.checked_on, van.keeper, van.state) == (
        "delivery-center",
        1200,
        True,
        date(2026, 11, 20),
        driver,
        "fit",
    )
    assert Vehicle.objects.get(number="902").is_reserve is False


@pytest.mark.parametrize(
    ("job", "post", "rank"),
    [("工种", "岗位代码", "岗位次序"), ("岗位", "职务代码", "职务次序"), ("工種", "崗位代碼", "崗位次序")],
)  # as files say, and as they said in earlier versions
def test_staff_with_their_posts(tmp_path: Path, job: str, post: str, rank: str) -> None:
    headings = ["工号", "姓名", "电话", "部门", job, post, rank, "邮箱"]
    rows = [
        [
            "N1",
            "虚甲子",
            "10000900001",
            "info-center",
            "技术员",
            "info-center-head",
            3,
            "n1@changbei.example",
        ],
        ["N2", "虚乙丑", "10000900002", "信息中心", "technician", "", "", ""],
        ["N3", "虚丙寅", "10000900003", "信息中心", "技术员", "info-center-head", 1, ""],
        ["N4", "虚丁卯", "10000900004", "信息中心", "技术员", "info-center-head", 3, ""],
        ["N5", "虚戊辰", "10000900005", "信息中心", "技术员", "info-center-head", "", "not an address"],
    ]
    parsed = imports.read(excel(tmp_path / "s.xlsx", [headings, *rows]), "staff")
    assert [(p.row, p.column, p.message) for p in parsed.problems] == [
        (4, rank, "somebody holds this post in this rank already"),
        (5, rank, "row 2 gives this rank already"),
        (6, "邮箱", "is no e-mail address"),
        (6, rank, "is needed with a post: 1 the holder, 2, 3 … the deputies"),
    ]
    imports.apply(parsed, good_rows_only=True, actor=None)
    assert PostHolding.objects.get(post__code="info-center-head", rank=3).person.staff_no == "N1"
    assert Person.objects.get(staff_no="N2").unit.code == "info-center"


@pytest.mark.parametrize("kind", list(imports.KINDS))
def test_the_template_can_be_read_back(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "template.xlsx"
    imports.write_template(kind, path)
    parsed = imports.read(path, kind)
    columns = imports.KINDS[kind].columns
    unique = {*imports.KINDS[kind].key, *imports.KINDS[kind].unique}
    assert parsed.ignored_columns == ()
    assert len(parsed.headings) == len(columns)
    may_clash = {c.heading["zh-Hans"] for c in columns if c.reference or c.key in {*unique, "parent", "rank"}}
    assert {problem.column.rstrip("*") for problem in parsed.problems} <= may_clash
    explained = load_workbook(str(path)).get_sheet_by_name("说明 Columns").to_python()
    assert len(explained) == len(columns) + 1
    assert explained[1][:3] == [columns[0].heading["zh-Hans"], columns[0].heading["en"], "必填 / required"]


def test_an_import_needs_the_permission(tmp_path: Path, row: list[Any]) -> None:
    driver = Person.objects.filter(job="driver").order_by("pk")[0]
    technician = Person.objects.filter(job="technician").order_by("pk")[0]
    parsed = imports.read(excel(tmp_path / "a.xlsx", [HEADINGS, row]), "retailers")
    with pytest.raises(NotAllowed):
        imports.apply(parsed, actor=driver)
    assert Retailer.objects.count() == 300
    assert imports.apply(parsed, actor=technician) == imports.Imported(1, 0)


def test_positions_of_chinese_maps_come_in_as_those_of_gps(tmp_path: Path, row: list[Any]) -> None:
    path = excel(tmp_path / "a.xlsx", [HEADINGS, row])
    (plain,) = imports.read(path, "retailers").rows
    (drawn,) = imports.read(path, "retailers", coordinates="bd09").rows
    there = datum.out_of_wgs84("bd09", [drawn.values["longitude"]], [drawn.values["latitude"]])
    assert (float(there[0][0]), float(there[1][0])) == pytest.approx(
        (plain.values["longitude"], plain.values["latitude"]), abs=1e-8
    )
    assert abs(drawn.values["longitude"] - plain.values["longitude"]) > 0.005
    with pytest.raises(Invalid, match="wgs84, gcj02, bd09"):
        imports.read(path, "retailers", coordinates="mars")


def test_a_town_that_may_have_been_meant_is_named_as_people_call_it(tmp_path: Path, row: list[Any]) -> None:
    parsed = imports.read(
        excel(tmp_path / "a.xlsx", [HEADINGS, changed(row, 1, 乡镇街道="样城区中")]), "retailers"
    )
    assert [problem.message for problem in parsed.problems] == ["is not known; did you mean 样城区中心?"]
