"""Concepts of mixing, found by name or by a description."""
