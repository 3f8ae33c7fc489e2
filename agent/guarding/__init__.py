"""The ledger of a turn, and the guard that holds every reply against it."""
