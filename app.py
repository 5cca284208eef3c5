"""Entry point: `python app.py` serves the page. `python app.py --help` lists the commands."""

from __future__ import annotations

from studio.cli.main import main

if __name__ == "__main__":
    main()
