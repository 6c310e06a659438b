"""Remembers: every input and everything derived from it, in one order, on disk."""

import engine as engine  # settles compiled or source before anything else loads
