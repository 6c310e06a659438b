"""A sample recording: what a prediction market's feed would have sent, made from a seed and nothing else."""
