"""Judging by ear: files at equal loudness, and a blind test."""
