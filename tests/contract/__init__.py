"""The contract, tested through HTTP on every store."""
