"""Models and images: what runs a model, where it may come from, and how a file becomes pixels. No ORM, no DRF."""
