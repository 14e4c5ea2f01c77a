"""Registers: who and what exists. One table says what each is; one verb adds and changes rows of all of them."""

from changbei.readiness.registers.columns import Cell, Column, Register
from changbei.readiness.registers.table import REGISTERS, get
from changbei.readiness.registers.verbs import cells, one, rows, save, save_many

__all__ = ["REGISTERS", "Cell", "Column", "Register", "cells", "get", "one", "rows", "save", "save_many"]
