"""MixingBuddy: a mixing assistant that proves its advice by measurement before it speaks."""
