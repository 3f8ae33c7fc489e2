"""Audio in, pydantic out: measure, compare, render, verify. No language model, no torch."""
