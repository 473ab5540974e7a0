"""The columns of a box in a table, in px unless the table says fractions."""

BOX = ["left", "top", "right", "bottom"]
