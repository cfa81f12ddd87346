"""What carries the city: real servers on loopback, or hands in memory; and the port by which it is disturbed."""
