"""The plan language: packs, clauses, procedures, tables; loading, checking and the pure runtime."""
