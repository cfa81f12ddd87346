"""Binance spot: what this venue says and hears, as values and pure functions; USD-M futures are another venue."""
