"""The rules, written once for every store."""
