"""Mix versions: their tree, what changed between two, and a client's notes held against them."""
