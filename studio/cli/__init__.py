"""Commands of app.py."""
