"""How the tables came to be, one file a step, only ever appended to."""
