"""Proofs of what is promised under retries, races, crashes and failing stores."""
