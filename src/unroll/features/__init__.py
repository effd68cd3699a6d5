"""Shared featurizers: what a recording, an image or a text becomes before a pattern sees it, one file each."""
