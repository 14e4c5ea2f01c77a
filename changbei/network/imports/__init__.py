"""A city out of Excel and CSV files, from its departments to its retailers and goods, with every wrong row named.

`read` parses and checks a file against the database and never raises for its contents; `changes` says what of that is
there otherwise; `apply` writes what `read` found: everything, or nothing, or on request the good rows.
"""

from changbei.network.imports.applying import Imported, apply
from changbei.network.imports.changing import Change, changes, counted
from changbei.network.imports.kinds import KINDS
from changbei.network.imports.problems import RowProblem
from changbei.network.imports.reading import Parsed, read
from changbei.network.imports.workbooks import write_report, write_template

__all__ = [
    "KINDS",
    "Change",
    "Imported",
    "Parsed",
    "RowProblem",
    "apply",
    "changes",
    "counted",
    "read",
    "write_report",
    "write_template",
]
