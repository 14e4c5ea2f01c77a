"""Compile everything once, so that the first recovery of a process begins at once: `python -m` this folder."""

from changbei.compute.recovery.kernel.warming import warm

warm()
