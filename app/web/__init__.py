"""The web: everything that knows Flask or Connexion, around the handlers."""
