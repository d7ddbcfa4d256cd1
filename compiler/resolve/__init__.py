"""Flat statements to a first Lab, with what the source pins.

Infers nothing that the source does not say.
"""
