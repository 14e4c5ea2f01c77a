"""Procedures as BPMN 2.0 files, with a drawing that standard viewers and editors open. No Django."""
