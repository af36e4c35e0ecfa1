"""What Colloquy stores and says: records, list items, errors, times and ids. It imports nothing of ours."""
