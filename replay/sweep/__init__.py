"""
Many runs at once: a grid of parameters times seeds times journals, each run computed once and kept.

A run is pure in journal, build, configuration and seed, so its figures are kept under the digest of these, and a lost
worker costs a run. `grid` says what to run, `plan` what that takes, `bench` runs it, `executor` where, `store` keeps
it; `table`, `compare`, `plot` and `results` tell what came of it.
"""
