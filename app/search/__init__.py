"""Search without a store: text to terms, phrases to times, requests to queries."""
