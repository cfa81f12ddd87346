"""Voyages: bots that trade through a storm in virtual time, and a checker that reads the venues' own ledgers."""
