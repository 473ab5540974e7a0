"""The columns of a box in a table: left, top, right, bottom, in px unless a table says fractions."""

BOX = ["left", "top", "right", "bottom"]
