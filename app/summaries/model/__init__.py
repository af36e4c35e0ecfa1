"""The provider that asks a chat model."""
