"""Cells of tables that spreadsheets open."""

from typing import Final

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def shown_cell(cell: object) -> object:
    """Return a cell that a spreadsheet shows instead of computing."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell
