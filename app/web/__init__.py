"""All that knows Flask or Connexion: what happens around a request before and after its handler."""
