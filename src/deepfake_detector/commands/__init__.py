"""The commands of an installed package; in a clone they are the scripts of `src/`."""
