"""A venue made of models: matching, queue, latency, fees. Compiled."""
