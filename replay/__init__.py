"""Asks: the same code on the same bytes, again."""

import engine as engine  # settles compiled or source before anything else loads
