"""Kraken spot: REST v0 and WebSocket v2; what the venue says and wants, as tables and pure machines."""
