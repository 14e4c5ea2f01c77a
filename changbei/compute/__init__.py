"""Computing on arrays and frozen dataclasses: recovering a delivery day, planning lines, geography. Knows no Django.

Everything here is deterministic for a seed and an iteration count.
"""
