"""Documents, and the commands that make and check them."""
