"""Append-only facts: the audit trail, the timeline and the outbox are the same rows."""
