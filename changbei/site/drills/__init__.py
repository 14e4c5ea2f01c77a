"""Drills: events on a script, colleagues who answer like people, and the same engine as in earnest."""
