"""Measurements, each a command that prints a table. A number in a document names the command that prints it."""
