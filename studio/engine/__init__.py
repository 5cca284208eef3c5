"""The engine: the resident pipeline that turns recipes into pictures, and the only importer of diffusers.

`base` is the protocol, `catalog` lists the checkpoints, `engine` is the implementation. None of them imports torch at
module level.
"""
