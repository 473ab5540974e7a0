"""What a detector is worth on frames it never saw, and how sure that is."""
