"""Decides and speaks: the graph, the planner, the command line."""
