"""A world without the internet: simulated venues that speak the real wire on loopback."""
