"""Polymarket: wire (what its bytes mean) and connection (how they reach us)."""
