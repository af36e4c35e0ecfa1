"""Telemetry: what the parts of the program count and time, and who learns of it."""
