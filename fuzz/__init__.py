"""Hostile input: fuzz targets for the codecs, the machine and the textual parser, and refused allocations."""
