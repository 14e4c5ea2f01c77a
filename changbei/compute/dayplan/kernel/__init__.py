"""The compiled part of planning a day: lines as linked lists, ruin and recreate on them, savings to begin with."""
