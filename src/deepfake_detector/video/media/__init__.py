"""Files that others made: what they hold, what they may cost, how they are rejected."""
