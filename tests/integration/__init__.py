"""Tests of whole parts against real stores."""
