"""What is measured and how long it takes: every figure of the documents comes from one of these."""
