"""The instruments in Prometheus's format, of all worker processes together."""
