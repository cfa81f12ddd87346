"""Voyages: bots that trade through a storm in virtual time, seed by seed, and a checker that reads the venue's ledger."""
