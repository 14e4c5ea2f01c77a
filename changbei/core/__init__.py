"""Words that any business would understand: clock, ids, errors, units, working days. No Django."""
