"""Secrets: the only room that holds them; what leaves it is a signature, or a part that the wire itself demands."""
