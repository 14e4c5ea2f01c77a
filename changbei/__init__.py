"""Changbei (常备): contingency plans that people sign, print and run."""

__version__ = "0.1.0"
