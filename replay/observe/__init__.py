"""Looking at a run while it is played: what a report tells of it, and not a byte of it changed."""

from replay.observe.observer import Observer as Observer
from replay.observe.observer import observer_of as observer_of
