"""Speak: what each venue's bytes mean (wire), and a venue made of models (simulated)."""

import engine as engine  # settles compiled or source before anything else loads
