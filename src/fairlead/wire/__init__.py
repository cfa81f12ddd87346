"""The contract: what a venue must declare, as values and pure machines; no socket, no clock, no secret, no retry."""
