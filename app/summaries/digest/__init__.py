"""The offline provider: a digest of quotes, chosen by rule."""
