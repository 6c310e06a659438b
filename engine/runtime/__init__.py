"""The top floor: clock, loop, wiring, configuration and the command line."""
