"""What Django knows about the project without a database: checks, missing migrations, broken templates."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import django
from django.apps import apps
from django.core.checks import WARNING, run_checks
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState
from django.template import TemplateDoesNotExist, TemplateSyntaxError, engines
from django.template.utils import get_app_template_dirs
from django.utils import translation

ROOT = Path(__file__).resolve().parents[1]
NAMED = re.compile(r"""\{%-?\s*(?:include|extends)\s+["']([^"']+)["']""")


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "changbei.site.settings")
    django.setup()
    translation.deactivate_all()  # migrations record texts in English
    problems = [*system_problems(), *migration_problems(), *template_problems(our_templates())]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print("project: checks, migrations and templates are in order")
    return 1 if problems else 0


def system_problems() -> Iterator[str]:
    return (str(message) for message in run_checks() if message.level >= WARNING)


def migration_problems() -> Iterator[str]:
    """A model that no migration describes, or two migrations that claim the same place."""
    loader = MigrationLoader(None)
    for app, names in loader.detect_conflicts().items():
        yield f"{app}: these migrations follow the same one: {', '.join(sorted(names))}"
    detector = MigrationAutodetector(loader.project_state(), ProjectState.from_apps(apps))
    for app, migrations in detector.changes(graph=loader.graph).items():
        for migration in migrations:
            for operation in migration.operations:
                yield f"{app}: no migration yet for: {operation.describe()}"


def our_templates() -> list[Path]:
    folders = (Path(folder) for folder in get_app_template_dirs("templates"))
    ours = [folder for folder in folders if folder.is_relative_to(ROOT / "changbei")]
    return sorted(path for folder in ours for path in folder.rglob("*") if path.is_file())


def template_problems(paths: Iterable[Path]) -> Iterator[str]:
    """Compiles each template: unknown tags and filters, blocks that do not end, templates named that do not exist."""
    for path in paths:
        try:
            text = path.read_text(encoding="utf-8")
            engines["django"].from_string(text)
        except (TemplateSyntaxError, UnicodeDecodeError) as error:
            yield f"{path}: {error}"
            continue
        for name in NAMED.findall(text):
            try:
                engines["django"].get_template(name)
            except TemplateDoesNotExist:
                yield f"{path}: there is no template {name}"
            except TemplateSyntaxError:
                continue  # said of that one


if __name__ == "__main__":
    sys.exit(main())
