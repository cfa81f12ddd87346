"""What Fairlead knows of each venue: one folder a venue, the same file names in each; no folder imports another."""
