"""Pages, API, templates, static; the only room that may show many rooms at once."""
