"""Judgement: pure machines; time comes in as an argument; no venue's name."""
