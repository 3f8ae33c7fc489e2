"""The user's words: from a sentence to what it asks for."""
