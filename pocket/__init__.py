"""Pocket: a miniature of Z-Image made of the same real classes, and how it is made.

A world of small pictures with captions, three trainings (language model, VAE, transformer), an export in diffusers
layout and a measure. It knows nothing of the studio, its storage or its page; the enhancer's two template files are
all that it reads from outside its own folder.
"""
