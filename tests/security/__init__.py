"""Hostile input, tenants and limits, proved against a real server."""
