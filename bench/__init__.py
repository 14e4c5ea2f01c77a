"""Measurements: `python -m bench`. Each `bench_*.py` has `run()`, which returns rows; see `__main__`."""
