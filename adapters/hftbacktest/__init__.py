"""hftbacktest: its normalised event arrays, as another stream of market data."""
