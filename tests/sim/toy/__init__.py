"""A small venue of nobody's: enough wire to see what the city and its mishaps do, and nothing of any real venue."""
