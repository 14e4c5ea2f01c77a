"""A plan pack as its page shows it: clauses with what carries them out now, procedures as lists, roles with holders."""

from changbei.web.planned.clauses import chapters, running_by_clause
from changbei.web.planned.holders import roles
from changbei.web.planned.listed import checklists, checks, settings, tables
from changbei.web.planned.steps import procedures
from changbei.web.planned.words import FAMILY_ICONS, anchor_of, length

__all__ = [
    "FAMILY_ICONS",
    "anchor_of",
    "chapters",
    "checklists",
    "checks",
    "length",
    "procedures",
    "roles",
    "running_by_clause",
    "settings",
    "tables",
]
