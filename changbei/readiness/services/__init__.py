"""The verbs of the room, by what they are about."""

from changbei.readiness.services.checking import check_vehicle, run_checks, run_due_checks
from changbei.readiness.services.equipment import (
    record_backup,
    record_restore_drill,
    refuse_backup,
    return_spare,
    use_spare,
)
from changbei.readiness.services.files import destroy_copy, export_files
from changbei.readiness.services.inspecting import plan_rota, record_inspection
from changbei.readiness.services.reminding import remind_due
from changbei.readiness.services.reviews import (
    add_rectification,
    assign,
    circulate,
    confirm_review,
    keep_experience,
    make_review,
    mend,
)

__all__ = [
    "add_rectification",
    "assign",
    "check_vehicle",
    "circulate",
    "confirm_review",
    "destroy_copy",
    "export_files",
    "keep_experience",
    "make_review",
    "mend",
    "plan_rota",
    "record_backup",
    "record_inspection",
    "record_restore_drill",
    "refuse_backup",
    "remind_due",
    "return_spare",
    "run_checks",
    "run_due_checks",
    "use_spare",
]
