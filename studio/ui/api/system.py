"""Endpoints of the system and of private sessions.

Annotations are objects, not strings, because Gradio builds the API's schema from them.
"""

from typing import Any

import gradio as gr

from studio.ui.api.base import Group, spoken
from studio.ui.owner import owner_of


class SystemEndpoints(Group):
    """Endpoints of the system and of private sessions."""

    def end_private_session(self, request: gr.Request, session: str | None = None) -> dict[str, Any]:
        """Remove your private pictures, enhancements and jobs, or those of one session. Running jobs are `stopped`."""
        with spoken():
            return self._studio.generation.end_private_session(owner_of(request), session)

    def system(self, request: gr.Request) -> dict[str, Any]:
        """The system: device, memory plans, speed options, and your latest timings."""
        with spoken():
            return self._studio.checkpoints.system(owner_of(request))

    def download_checkpoint(self, request: gr.Request, name: str) -> dict[str, Any]:
        """Download a checkpoint of the catalog with the host's consent. `/healthz` and the page show progress."""
        with spoken():
            owner_of(request)
            self._studio.checkpoints.download(name)
            state = self._studio.checkpoints.downloads()[name]
            return {"checkpoint": name, "status": state.status, "message": state.message, "fraction": state.fraction}
