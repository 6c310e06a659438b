"""Public recordings into a journal: exact frame bytes, recorded times, every line accounted for."""
