"""Chaos runs: a small site of real processes is killed again and again, and must lose nothing.

`ground` furnishes it, `nursery` and `processes` keep its processes, `sink` is the carrier, `clients` report and do
tasks over HTTP, `deaths` says how something dies, `invariants` what must hold afterwards, `play` puts it together.
"""
