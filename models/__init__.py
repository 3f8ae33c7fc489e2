"""Advisors: anything that turns a multitrack (and a reference) into gain advice."""
