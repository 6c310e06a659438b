"""Challenges: scripted faults and venues against which the engine has to hold."""

import engine as engine  # settles compiled or source before anything else loads
