"""The engine: the resident pipeline that turns recipes into pictures, and the only importer of diffusers.

`contract` is the seam, `catalogue` what can be drawn with, `resident` the engine itself; none of these imports torch
at its top.
"""
