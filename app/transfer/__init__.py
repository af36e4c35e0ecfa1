"""Bringing conversations in from files and out to files."""
