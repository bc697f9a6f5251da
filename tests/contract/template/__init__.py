"""The checks of template.yaml, one concept a module."""
