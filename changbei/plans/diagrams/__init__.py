"""Procedures as pictures: stages from top to bottom, their steps in the order in which they open. No Django."""
