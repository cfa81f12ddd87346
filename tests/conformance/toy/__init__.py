"""A small venue of nobody's, with the same files as every other: its words differ from all of theirs, and it is whole."""
