"""Contexts for a model: what fits a budget, in the form that its API takes."""
