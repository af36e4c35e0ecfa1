"""How fast searches are in a large store, and how good their results."""
