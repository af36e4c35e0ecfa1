"""The contenders: the same work on other frameworks, each as its own manual would write it."""
