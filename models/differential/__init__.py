"""The compact differential audio-language model: hears levels inside mixes, compares balances, writes the moves."""
