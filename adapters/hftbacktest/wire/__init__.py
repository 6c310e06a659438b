"""Bytes to meaning, without sockets. Compiled."""
