"""The words of a warning for readers of each language: a file may say the same in several (E3.2)."""

from __future__ import annotations

from collections.abc import Mapping

from changbei.core.texts import LANGUAGES
from changbei.incidents import cap
from changbei.incidents.models import Incident, Warning


def words_for(warning: Warning, language: str) -> Mapping[str, str]:
    """event, headline, description and instruction for a reader of `language`; else as `cap.Alert.info` falls back."""
    languages = [one["language"] for one in warning.texts]
    chosen = cap.best_language(languages, language)
    if chosen is None:
        known = {"event": warning.event, "headline": warning.headline}
        return {"language": "", **known, "description": "", "instruction": ""}
    return dict(warning.texts[chosen])


def headline_of(warning: Warning, language: str) -> str:
    """The headline for a reader of `language`, else the event; empty when the file has neither."""
    words = words_for(warning, language)
    return words["headline"] or words["event"]


def headline_text(warning: Warning) -> dict[str, str]:
    """The headline as a text for readers of every language."""
    return {language: headline_of(warning, language) for language in LANGUAGES}


def reason_text(incident: Incident, reason: str) -> Mapping[str, str] | str:
    """A reason for customers: one that is what a warning is of, or its headline, is said in each reader's language."""
    if not reason:
        return reason
    warnings = incident.warnings.defer("raw", "area").order_by("-pk")
    if same := warnings.filter(event=reason).first():
        return {language: words_for(same, language)["event"] or reason for language in LANGUAGES}
    same = warnings.filter(headline__startswith=reason).first()
    return reason if same is None else headline_text(same)
