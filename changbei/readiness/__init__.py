"""Checks that must always hold, and the review after an event with its rectifications."""
