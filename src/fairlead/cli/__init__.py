"""The commands: one small file a family; they hold no logic that a program of one's own would need."""
