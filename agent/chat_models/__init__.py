"""Any chat model: opening it, asking it, and going on where it fails."""
