"""Many images and videos analyzed at once, and the tables about all of them."""
