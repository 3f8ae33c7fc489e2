"""What the offline planner says: from tool results to sentences."""
