"""Fairlead: the API layer of a trading bot."""
